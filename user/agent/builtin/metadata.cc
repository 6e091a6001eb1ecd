#include "agent/builtin/metadata.h"

namespace xbeat::agent::builtin {
namespace {

constexpr std::string_view kVip = R"(<?xml version="1.0"?>
<resource-agent name="VIP" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">An IPv4 or IPv6 address that moves between nodes. Before it is taken the neighbours are asked whether somebody has it; afterwards it is announced to them. Built in: no process is started.</longdesc>
  <shortdesc lang="en">Moves an address between nodes</shortdesc>
  <parameters>
    <parameter name="ip" unique-group="address" required="1">
      <longdesc lang="en">The address, without a prefix length.</longdesc>
      <shortdesc lang="en">Address</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="cidr_netmask">
      <longdesc lang="en">The prefix length. If it is not given: that of the subnet of the interface that holds the address, else all bits.</longdesc>
      <shortdesc lang="en">Prefix length</shortdesc>
      <content type="integer"/>
    </parameter>
    <parameter name="nic">
      <longdesc lang="en">The interface. If it is not given: the one that has a subnet which holds the address.</longdesc>
      <shortdesc lang="en">Interface</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="iflabel">
      <longdesc lang="en">A label for an IPv4 address: it is shown as INTERFACE:LABEL. Interface, colon and label have at most 15 characters.</longdesc>
      <shortdesc lang="en">Label</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="arp_count">
      <longdesc lang="en">How often the address is announced (gratuitous ARP or unsolicited neighbour advertisements), 0 to 100. The first announcement is part of the start, the others follow in the background.</longdesc>
      <shortdesc lang="en">Announcements</shortdesc>
      <content type="integer" default="5"/>
    </parameter>
    <parameter name="arp_interval">
      <longdesc lang="en">The time between two announcements, 10ms to 60s; a bare number counts milliseconds.</longdesc>
      <shortdesc lang="en">Time between announcements</shortdesc>
      <content type="time" default="200ms"/>
    </parameter>
    <parameter name="probe_wait">
      <longdesc lang="en">How long to wait for a station that says it has the address, 0 to 10s; a bare number counts milliseconds. 0 does not ask (for networks whose routers answer ARP on behalf of others).</longdesc>
      <shortdesc lang="en">Wait for a duplicate address</shortdesc>
      <content type="time" default="1ms"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="20s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" depth="0" timeout="20s" interval="10s"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
)";

constexpr std::string_view kProcess = R"(<?xml version="1.0"?>
<resource-agent name="process" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">A program that stays in the foreground. It is started without a shell, its end is seen at once, and it lives on if the cluster manager is restarted. Built in: monitoring starts no process.</longdesc>
  <shortdesc lang="en">Runs a program and watches its end</shortdesc>
  <parameters>
    <parameter name="binfile">
      <longdesc lang="en">The program's absolute path. Either this or cmdline.</longdesc>
      <shortdesc lang="en">Program</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="cmdline">
      <longdesc lang="en">Program and arguments in one, split at blanks; quotes and backslashes keep blanks together. There is no shell.</longdesc>
      <shortdesc lang="en">Command line</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="args">
      <longdesc lang="en">Further arguments, split as cmdline is.</longdesc>
      <shortdesc lang="en">Arguments</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="user">
      <longdesc lang="en">The user to run as, with all of its groups.</longdesc>
      <shortdesc lang="en">User</shortdesc>
      <content type="string" default="root"/>
    </parameter>
    <parameter name="directory">
      <longdesc lang="en">The working directory.</longdesc>
      <shortdesc lang="en">Working directory</shortdesc>
      <content type="string" default="/"/>
    </parameter>
    <parameter name="env">
      <longdesc lang="en">NAME=VALUE words, split as cmdline is. Nothing else but PATH and LANG is set.</longdesc>
      <shortdesc lang="en">Environment</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="stop_signal">
      <longdesc lang="en">The signal that asks the program to end: a name or a number.</longdesc>
      <shortdesc lang="en">Stop signal</shortdesc>
      <content type="string" default="TERM"/>
    </parameter>
    <parameter name="stop_timeout">
      <longdesc lang="en">How long it may take to end before it gets SIGKILL; a bare number counts milliseconds. If it is not given: two thirds of the stop operation's timeout.</longdesc>
      <shortdesc lang="en">Patience at stop</shortdesc>
      <content type="time"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="20s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" depth="0" timeout="20s" interval="10s"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
)";

constexpr std::string_view kPing = R"(<?xml version="1.0"?>
<resource-agent name="ping" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">Asks hosts for an echo (ICMP) at each monitor and keeps how many answered as an attribute of the node, for location rules. Run it as a clone. Built in: no process is started, so the monitor's interval may be well below a second.</longdesc>
  <shortdesc lang="en">Reachability of hosts as a node attribute</shortdesc>
  <parameters>
    <parameter name="host_list" required="1">
      <longdesc lang="en">IPv4 and IPv6 addresses, separated by blanks, at most 64. Names are not looked up.</longdesc>
      <shortdesc lang="en">Hosts</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="name">
      <longdesc lang="en">The attribute's name.</longdesc>
      <shortdesc lang="en">Attribute</shortdesc>
      <content type="string" default="pingd"/>
    </parameter>
    <parameter name="multiplier">
      <longdesc lang="en">What each host that answers counts, 1 to 1000000.</longdesc>
      <shortdesc lang="en">Value of a host</shortdesc>
      <content type="integer" default="1"/>
    </parameter>
    <parameter name="attempts">
      <longdesc lang="en">How often a host that does not answer is asked, 1 to 20.</longdesc>
      <shortdesc lang="en">Attempts</shortdesc>
      <content type="integer" default="3"/>
    </parameter>
    <parameter name="wait">
      <longdesc lang="en">How long each attempt waits, 10ms to 60s; a bare number counts milliseconds.</longdesc>
      <shortdesc lang="en">Wait for an answer</shortdesc>
      <content type="time" default="500ms"/>
    </parameter>
    <parameter name="dampen">
      <longdesc lang="en">How long the value must have stayed the same before it counts; a bare number counts milliseconds.</longdesc>
      <shortdesc lang="en">Dampening</shortdesc>
      <content type="time" default="1s"/>
    </parameter>
    <parameter name="failure_score">
      <longdesc lang="en">Below this value start and monitor fail. 0: never.</longdesc>
      <shortdesc lang="en">Failure below</shortdesc>
      <content type="integer" default="0"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="60s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" depth="0" timeout="60s" interval="10s"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
)";

constexpr std::string_view kDisk = R"(<?xml version="1.0"?>
<resource-agent name="disk" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">Reads from a device or file past all caches at each monitor and keeps as an attribute of the node whether that came back in time. A disk that hangs is found by the deadline, not by an error. Run it as a clone. Built in.</longdesc>
  <shortdesc lang="en">Health of a disk as a node attribute</shortdesc>
  <parameters>
    <parameter name="device" required="1">
      <longdesc lang="en">The device or file, as an absolute path. It is only read.</longdesc>
      <shortdesc lang="en">Device</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="name">
      <longdesc lang="en">The attribute's name. Its values are "normal" and "ERROR".</longdesc>
      <shortdesc lang="en">Attribute</shortdesc>
      <content type="string" default="diskd"/>
    </parameter>
    <parameter name="deadline">
      <longdesc lang="en">How long a read may take, 10ms to 60s; a bare number counts milliseconds.</longdesc>
      <shortdesc lang="en">Deadline of a read</shortdesc>
      <content type="time" default="1s"/>
    </parameter>
    <parameter name="dampen">
      <longdesc lang="en">How long the value must have stayed the same before it counts; a bare number counts milliseconds.</longdesc>
      <shortdesc lang="en">Dampening</shortdesc>
      <content type="time" default="0"/>
    </parameter>
    <parameter name="fail">
      <longdesc lang="en">Whether the monitor fails too when the disk does.</longdesc>
      <shortdesc lang="en">Fail with the disk</shortdesc>
      <content type="boolean" default="false"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="60s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" depth="0" timeout="60s" interval="10s"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
)";

constexpr std::string_view kLink = R"(<?xml version="1.0"?>
<resource-agent name="link" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">Keeps as an attribute of the node whether a network interface is up and has a carrier, as of each monitor. Run it as a clone. Built in: no process is started, so the monitor's interval may be well below a second.</longdesc>
  <shortdesc lang="en">State of an interface as a node attribute</shortdesc>
  <parameters>
    <parameter name="interface" required="1">
      <longdesc lang="en">The interface.</longdesc>
      <shortdesc lang="en">Interface</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="name">
      <longdesc lang="en">The attribute's name. If it is not given: "link-" and the interface. Its values are 1 (up) and 0.</longdesc>
      <shortdesc lang="en">Attribute</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="multiplier">
      <longdesc lang="en">The value of an interface that is up, 1 to 1000000.</longdesc>
      <shortdesc lang="en">Value when up</shortdesc>
      <content type="integer" default="1"/>
    </parameter>
    <parameter name="dampen">
      <longdesc lang="en">How long the value must have stayed the same before it counts; a bare number counts milliseconds.</longdesc>
      <shortdesc lang="en">Dampening</shortdesc>
      <content type="time" default="0"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="20s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" depth="0" timeout="20s" interval="1s"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
)";

}  // namespace

std::string_view metadata_of(std::string_view type) {
    if (type == "VIP") return kVip;
    if (type == "process") return kProcess;
    if (type == "ping") return kPing;
    if (type == "disk") return kDisk;
    if (type == "link") return kLink;
    return {};
}

}  // namespace xbeat::agent::builtin
