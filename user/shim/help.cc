#include "shim/help.h"

#include <algorithm>
#include <array>

#include "core/check.h"
#include "core/text.h"

namespace xbeat::shim {
namespace {

struct HelpRow {
    std::string_view tool;
    std::string_view summary;
    std::string_view forms;
    std::string_view own;  // the command of this program for the same
};

constexpr std::array kHelp{
    HelpRow{"attrd_updater", "transient attributes of nodes",
            "  -n NAME -U VALUE [-d DELAY] [-N NODE] [-p]   set it (-B: with a delay)\n"
            "  -n NAME -Q [-N NODE | -A]                    show it\n"
            "  -n NAME -D [-N NODE]                         take it away\n"
            "  -R, -Y                                       nothing to do here\n",
            "xbeat node attribute"},
    HelpRow{"cibadmin", "the configuration as XML",
            "  -Q [-o SECTION | -A XPATH] [-e] [-n]         show it\n"
            "  -C | -M [-c] | -R | -D  [-o SECTION | -A XPATH]  -X TEXT | -x FILE | -p\n"
            "  -D -A XPATH, -d -A XPATH --force             delete the first, all\n"
            "  -P -x FILE                                   apply what crm_diff printed\n"
            "  -E --force                                   delete all that was configured\n"
            "  -a, -5 -x FILE, -6 -x FILE                   an empty one; digests\n",
            "xbeat configure"},
    HelpRow{"crm_attribute", "attributes of nodes and options of the cluster",
            "  -n NAME -G | -v VALUE | -D  [-q] [-d DEFAULT]\n"
            "  with  -N NODE [-l reboot | forever] [-z]     of a node\n"
            "  or    -t crm_config | rsc_defaults | op_defaults [-s SET]\n"
            "  or    -p [RESOURCE]                          the promotion score\n"
            "  -P PATTERN                                   all whose names fit\n",
            "xbeat node attribute, xbeat configure property"},
    HelpRow{"crm_error", "what an exit code means",
            "  -X CODE...      exit codes of these tools\n"
            "  CODE...         error numbers\n"
            "  -l, -n          all of them; with their names\n",
            "xbeat --help"},
    HelpRow{"crm_failcount", "how often a resource failed",
            "  -G | -D  -r RESOURCE [-N NODE] [-n OPERATION [-I INTERVAL]] [-q]\n",
            "xbeat status -f, xbeat resource cleanup"},
    HelpRow{"crm_master", "the promotion score of a resource (older form)",
            "  -G | -v SCORE | -D  [-r RESOURCE] [-N NODE] [-l reboot | forever] [-q]\n",
            "crm_attribute -p"},
    HelpRow{
        "crm_mon", "the state of the cluster",
        "  -1 [-r -n -A -f -o -t -c -b -R -D -L -m LEVEL]   print once\n"
        "  -s                                               one line\n"
        "  --output-as=console | text | xml | html | none  [--output-to=FILE]\n"
        "  --include=LIST --exclude=LIST                    sections (list: which there are)\n"
        "  --node=NODE --resource=RESOURCE                  only those\n"
        "  -d -p PIDFILE -i SECONDS --output-to=FILE        again and again, in the background\n",
        "xbeat mon, xbeat status"},
    HelpRow{"crm_node", "the nodes of the cluster",
            "  -n, -i          this node's name, its id\n"
            "  -l, -p          all nodes, the members\n"
            "  -q              1 with quorum, 0 without\n"
            "  -N ID           the name of a node\n"
            "  -R NODE --force forget a node that has left for good\n",
            "xbeat node list, xbeat node remove"},
    HelpRow{"crm_report", "collects what is needed to understand a failure", "", "xbeat report"},
    HelpRow{"crm_resource", "resources: where they are, what they are told to do",
            "  -L, -l, -r RESOURCE -W | -q | -a | -A | -Y   look\n"
            "  -r RESOURCE -g NAME | -p NAME -v VALUE | -d NAME  [-m | -z]\n"
            "  -r RESOURCE -B | -M | -U  [-N NODE] [-u LIFETIME] [--promoted] [-e]\n"
            "  [-r RESOURCE] [-N NODE] -C | -R              forget failures, look again\n"
            "  -r RESOURCE -F [-N NODE], -r RESOURCE --restart, --wait\n"
            "  -r RESOURCE -D -t KIND                       delete it\n"
            "  -r RESOURCE --force-start, -stop, -check, -promote, -demote\n"
            "                                               past the cluster, on this node\n"
            "  -O | -o [-r RESOURCE] [-N NODE]              operations\n"
            "  --list-standards --list-ocf-providers --list-agents STANDARD[:PROVIDER]\n"
            "  --show-metadata AGENT\n",
            "xbeat resource, xbeat why, xbeat ra"},
    HelpRow{"crm_shadow", "a copy of the configuration to try changes on", "",
            "xbeat configure --dry-run, xbeat simulate"},
    HelpRow{"crm_simulate", "what the cluster would do", "  -L | -x FILE  [-s] [-S]\n",
            "xbeat simulate"},
    HelpRow{"crm_standby", "whether a node may run resources",
            "  -G | -v on | off | -D  [-N NODE] [-l reboot | forever] [-q]\n",
            "xbeat node standby, xbeat node online"},
    HelpRow{"crm_ticket", "tickets of sites",
            "  -l, -L, -w, -q, -c  [-t TICKET]              look\n"
            "  -t TICKET -g | -r --force, -s, -a            grant, revoke, standby, activate\n"
            "  -t TICKET -G | -D NAME, -S NAME -v VALUE     its attributes\n"
            "  -t TICKET -C [--force]                       forget its state\n",
            "xbeat ticket"},
    HelpRow{"crm_verify", "whether a configuration can be used",
            "  -L | -x FILE | -X TEXT | -p  [-V] [-S FILE]\n", "xbeat verify"},
    HelpRow{"crmadmin", "the nodes' daemons",
            "  -D, -S NODE, -P     the coordinator, a node's state, this node's daemon\n"
            "  -N [all] [-B]       all nodes\n",
            "xbeat status, xbeat node list"},
    HelpRow{"pacemakerd", "the daemon; here only its version", "  -$, --version\n", "xbeatd"},
    HelpRow{"stonith_admin", "fencing",
            "  -B | -F | -U | -C NODE                       reboot, off, on; vouch that it is off\n"
            "  -H NODE | '*' [-c], -h NODE                  what was fenced; when last\n"
            "  -L, -l NODE, -s DEVICE, -Q DEVICE            devices\n"
            "  -I, -M -a AGENT                              agents that are installed\n",
            "xbeat fence"},
};

}  // namespace

bool asks_for_help(std::string_view tool, std::span<const std::string> words) {
    const bool has_other_h = tool == "crm_mon" || tool == "stonith_admin" || tool == "cibadmin";
    return std::any_of(words.begin(), words.end(), [has_other_h](const std::string& word) {
        return word == "--help" || word == "-?" || word == "--help-all" ||
               (word == "-h" && !has_other_h);
    });
}

bool asks_for_version(std::span<const std::string> words) {
    return std::any_of(words.begin(), words.end(),
                       [](const std::string& word) { return word == "-$" || word == "--version"; });
}

std::string help_of(std::string_view tool) {
    const auto* const row = std::find_if(kHelp.begin(), kHelp.end(),
                                         [tool](const HelpRow& each) { return each.tool == tool; });
    XB_CHECK(row != kHelp.end());
    std::string text = concat(tool, " - ", row->summary, "\n");
    if (!row->forms.empty()) text += concat("\nForms that xbeat answers:\n", row->forms);
    return text + concat("\nAll of them: --version, --output-as=text|xml, --output-to=FILE\n",
                         "xbeat's own: ", row->own, "\n");
}

}  // namespace xbeat::shim
