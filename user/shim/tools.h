// The tools, one function each, and what they share. Private to shim/.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "shim/arguments.h"
#include "shim/cluster.h"
#include "shim/shim.h"

namespace xbeat::shim {

/// What a tool works with.
struct Tool {
    std::string_view name;
    Io& io;
    Cluster& cluster;
    bool is_xml = false;  // --output-as=xml: what is shown are elements

    /// Prints the error as the tool's own and gives its exit code.
    int fail(const Error& error) const;
    int fail_usage(std::string_view text) const;
    /// For a form that is left out on purpose: `instead` says why, or what to use.
    int fail_left_out(std::string_view instead) const;
    static cib::Element element(std::string_view name);
    static cib::Element text(std::string_view body);
    /// An element of the answer, as --output-as=xml has it.
    void show(const cib::Element& shown) const;
    /// Names, one a line, or as Pacemaker's <list>.
    void show_list(std::string_view what, std::string_view item,
                   const std::vector<std::string>& names) const;
    /// The node that is meant: `given`, or the one that the agent runs on.
    [[nodiscard]] Result<std::string> node_or_local(const std::string& given) const;
};

/// A record's seconds since 1970 as the tools show them; no number counts as 0.
[[nodiscard]] std::string time_text(std::string_view seconds);

/// Pacemaker's exit code for that kind of error.
[[nodiscard]] int exit_code(const Error& error);

using Words = std::span<const std::string>;

int run_attribute(const Tool& tool, Words words);  // crm_attribute
int run_master(const Tool& tool, Words words);     // crm_master
int run_updater(const Tool& tool, Words words);    // attrd_updater
int run_failcount(const Tool& tool, Words words);  // crm_failcount
int run_standby(const Tool& tool, Words words);    // crm_standby
int run_resource(const Tool& tool, Words words);   // crm_resource
int run_node(const Tool& tool, Words words);       // crm_node
int run_admin(const Tool& tool, Words words);      // crmadmin
int run_cib(const Tool& tool, Words words);        // cibadmin
int run_ticket(const Tool& tool, Words words);     // crm_ticket
int run_stonith(const Tool& tool, Words words);    // stonith_admin
int run_version(const Tool& tool, Words words);    // pacemakerd
int run_verify(const Tool& tool, Words words);     // crm_verify
int run_error(const Tool& tool, Words words);      // crm_error
int run_shadow(const Tool& tool, Words words);     // crm_shadow
int run_report(const Tool& tool, Words words);     // crm_report

}  // namespace xbeat::shim
