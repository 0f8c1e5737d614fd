// Reading what clients send (protocol.md §3), as JSON over HTTP or as params over JSON-RPC. Whatever is wrong is
// Code::invalid, with a message that names the field. See json.hpp for what is forgiven.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engine/json/json.hpp"
#include "settle/result.hpp"
#include "settle/transaction.hpp"

namespace settle::dtm {

// Where the JSON comes from. DTM drops line breaks and `;` from the gids of bodies, and from no others.
enum class Origin : std::uint8_t { body, params };

// A transaction, as prepare, prepareWorkflow and submit take it. What validate() looks at is left to the engine.
struct TransactionRequest {
  Definition definition;
  std::map<std::string, std::string> extra;  // req_extra
};
Result<TransactionRequest> parse_transaction(const json::value& value, Origin origin);

// A transaction that exists, as abort takes it. The other members of a transaction may come with it: they must be of
// the right kinds, and are not looked at.
struct Reference {
  std::string gid;  // never empty
  std::optional<TransType> type;
  std::string rollback_reason;
};
Result<Reference> parse_reference(const json::value& value, Origin origin);

// The same, as forceStop and resetNextCronTime take it: they look at the gid alone, which is never empty.
Result<std::string> parse_gid(const json::value& value, Origin origin);

// A branch, as registerBranch takes it: a flat object of strings. A type that branches cannot be registered of is
// refused as `unknow trans type: T`.
struct BranchRequest {
  std::string gid;  // never empty
  TransType type = TransType::tcc;
  Registration registration;
  BranchStatus status = BranchStatus::prepared;  // of a workflow's
};
Result<BranchRequest> parse_branch(const json::value& value, Origin origin);

// What a transaction, a branch or a reference calls its type; the message is that of every interface.
Result<TransType> parse_type(const std::string& name);
// The type of one that branches are registered of.
Result<TransType> parse_branch_type(const std::string& name);
// The status of a workflow's branch.
Result<BranchStatus> parse_status(const std::string& name);
// Whether branch_headers may hold this: a name that RFC 9110 allows, and a value that cannot end its line.
Result<Done> check_branch_header(const std::string& name, std::string_view value);

// The milliseconds of {"advance_seconds":N}; N is a whole number, from 0 to kSecondsMax.
Result<std::int64_t> parse_advance_ms(const json::value& body);

}  // namespace settle::dtm
