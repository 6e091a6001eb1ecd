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

}  // namespace

std::string_view metadata_of(std::string_view type) {
    if (type == "VIP") return kVip;
    if (type == "process") return kProcess;
    return {};
}

}  // namespace xbeat::agent::builtin
