// Does a fence device work from here? What its agent says when it is asked everything that switches
// nothing: its metadata, whether its parameters are valid, whether the device answers, and whether
// it knows the nodes that it is to shoot.
//
// An examination is for a person who waits for its words; no decision is based on it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"
#include "execute/agent_call.h"
#include "fence/devices.h"

namespace xbeat::fence {

constexpr std::size_t kExaminationsMax = 16;  // at once; a further one is refused

/// How an examination ended: a line for each question. Errors: Invalid, if an answer was bad.
struct Finding {
    std::uint64_t number = 0;
    Result<std::string> outcome;
};

struct ExaminerOutput {
    std::vector<execute::RunAgent> run;
    std::vector<Finding> findings;
};

class Examiner {
public:
    /// Numbers of agent runs are handed out by `next_run`.
    explicit Examiner(std::uint64_t* next_run) : next_run_(next_run) {}

    /// Errors: NotFound if there is no such device, Limit; then no finding follows.
    Result<void> begin(std::uint64_t number, std::string_view device, const cib::Element& cib,
                       EpochSeconds now);
    /// False if the run is not one of this class's.
    bool agent_done(const execute::AgentDone& done);
    [[nodiscard]] ExaminerOutput take();

private:
    enum class Question : std::uint8_t { Metadata, Validate, Monitor, List, Status };
    struct Step {
        Question question;
        std::size_t target = 0;  // of Status: its place in `targets`
    };
    struct Examination {
        std::uint64_t number = 0;
        Device device;
        std::vector<std::string> targets;  // nodes that the configuration lets it shoot...
        std::vector<Device> against;       // ... and the device as it is used against each
        std::optional<Abilities> abilities;
        std::vector<Step> steps;  // what is left, last first
        std::string text;
        bool is_bad = false;
    };

    void go_on(Examination examination);
    static void judge(Examination& examination, const Step& step, const execute::AgentDone& done);
    static void plan_rest(Examination& examination, const execute::AgentDone& done);

    std::uint64_t* next_run_;
    std::map<OperationId, Examination> running_;
    ExaminerOutput out_;
};

}  // namespace xbeat::fence
