#include "settle/types.hpp"

#include <array>
#include <utility>

namespace settle {
namespace {

template <class Value, std::size_t N>
std::string_view name_of(const std::array<std::pair<Value, std::string_view>, N>& names, Value value) {
  for (const auto& [candidate, name] : names) {
    if (candidate == value) return name;
  }
  return "invalid";
}

template <class Value, std::size_t N>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

constexpr std::array<std::pair<TransType, std::string_view>, 5> kTransTypes{{{TransType::saga, "saga"},
                                                                             {TransType::tcc, "tcc"},
                                                                             {TransType::xa, "xa"},
                                                                             {TransType::msg, "msg"},
                                                                             {TransType::workflow, "workflow"}}};
constexpr std::array<std::pair<GlobalStatus, std::string_view>, 5> kGlobalStatuses{
    {{GlobalStatus::prepared, "prepared"},
     {GlobalStatus::submitted, "submitted"},
     {GlobalStatus::aborting, "aborting"},
     {GlobalStatus::succeed, "succeed"},
     {GlobalStatus::failed, "failed"}}};
constexpr std::array<std::pair<BranchStatus, std::string_view>, 3> kBranchStatuses{
    {{BranchStatus::prepared, "prepared"}, {BranchStatus::succeed, "succeed"}, {BranchStatus::failed, "failed"}}};
constexpr std::array<std::pair<Operation, std::string_view>, 6> kOperations{{{Operation::action, "action"},
                                                                             {Operation::compensate, "compensate"},
                                                                             {Operation::confirm, "confirm"},
                                                                             {Operation::cancel, "cancel"},
                                                                             {Operation::commit, "commit"},
                                                                             {Operation::rollback, "rollback"}}};
constexpr std::array<std::pair<Protocol, std::string_view>, 3> kProtocols{
    {{Protocol::http, "http"}, {Protocol::json_rpc, "json-rpc"}, {Protocol::grpc, "grpc"}}};
constexpr std::array<std::pair<CallResult, std::string_view>, 4> kCallResults{{{CallResult::success, "SUCCESS"},
                                                                               {CallResult::failure, "FAILURE"},
                                                                               {CallResult::ongoing, "ONGOING"},
                                                                               {CallResult::unknown, "unknown"}}};

}  // namespace

std::string_view to_string(TransType type) { return name_of(kTransTypes, type); }
std::string_view to_string(GlobalStatus status) { return name_of(kGlobalStatuses, status); }
std::string_view to_string(BranchStatus status) { return name_of(kBranchStatuses, status); }
std::string_view to_string(Operation operation) { return name_of(kOperations, operation); }
std::string_view to_string(Protocol protocol) { return name_of(kProtocols, protocol); }
std::string_view to_string(CallResult result) { return name_of(kCallResults, result); }

std::optional<TransType> parse_trans_type(std::string_view text) { return value_of(kTransTypes, text); }
std::optional<GlobalStatus> parse_global_status(std::string_view text) { return value_of(kGlobalStatuses, text); }
std::optional<BranchStatus> parse_branch_status(std::string_view text) { return value_of(kBranchStatuses, text); }
std::optional<Protocol> parse_protocol(std::string_view text) { return value_of(kProtocols, text); }

}  // namespace settle
