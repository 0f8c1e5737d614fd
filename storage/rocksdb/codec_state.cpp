#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "settle/store.hpp"
#include "storage/common/rows.hpp"
#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/value_format.hpp"

namespace settle {
namespace {

// Bits of a state's and of a branch state's flags. What is 0 or empty more often than not is only written where its bit
// is set.
constexpr std::uint64_t kExact = 1;
constexpr std::uint64_t kParked = 2;
constexpr std::uint64_t kHasFinishTime = 4;
constexpr std::uint64_t kHasRollbackTime = 8;
constexpr std::uint64_t kHasNextRetryTime = 16;
constexpr std::uint64_t kHasLastErrorBranch = 32;
constexpr std::uint64_t kHasSubmitTime = 64;
// From here on the flags take a second byte.
constexpr std::uint64_t kHasErrors = 128;
constexpr std::uint64_t kHasQueryAttempts = 256;
constexpr std::uint64_t kHasRegistrations = 512;
constexpr std::uint64_t kHasResult = 1024;

constexpr std::uint8_t kBranchStatusMask = 3;
constexpr std::uint8_t kBranchStarted = 4;
constexpr std::uint8_t kBranchHasAttempts = 8;
constexpr std::uint8_t kBranchHasFinishTime = 16;
constexpr std::uint8_t kBranchFlags = 31;

void write_branches(Writer& writer, const std::vector<BranchState>& branches, std::int64_t base_ms) {
  writer.number(branches.size());
  for (const BranchState& branch : branches) {
    auto flags = static_cast<std::uint8_t>(branch.status);
    if (branch.started) flags |= kBranchStarted;
    if (branch.attempts != 0) flags |= kBranchHasAttempts;
    if (branch.finish_time_ms != 0) flags |= kBranchHasFinishTime;
    writer.byte(flags);
    if (branch.attempts != 0) writer.number(branch.attempts);
    if (branch.finish_time_ms != 0) {
      writer.time(branch.finish_time_ms, base_ms);
      base_ms = branch.finish_time_ms;  // the next row finished not long after or before
    }
  }
}

std::vector<BranchState> read_branches(Reader& reader, std::int64_t base_ms) {
  const std::size_t count = reader.count();
  if (count > kBranchRunLength) reader.refuse();
  std::vector<BranchState> branches;
  if (!reader.ok()) return branches;
  branches.resize(count);
  for (BranchState& branch : branches) {
    const std::uint64_t flags = reader.flags(kBranchFlags);
    const std::uint64_t status = flags & kBranchStatusMask;
    if (status == 0) reader.refuse();
    if (!reader.ok()) return branches;
    branch.status = static_cast<BranchStatus>(status);
    branch.started = (flags & kBranchStarted) != 0;
    if ((flags & kBranchHasAttempts) != 0) branch.attempts = reader.small_number();
    if ((flags & kBranchHasFinishTime) != 0) branch.finish_time_ms = base_ms = reader.time(base_ms);
  }
  return branches;
}

std::uint64_t flags_of(const StateRecord& record) {
  const State& state = record.state;
  return (state.exact ? kExact : 0) | (state.parked ? kParked : 0) | (state.finish_time_ms != 0 ? kHasFinishTime : 0) |
         (state.rollback_time_ms != 0 ? kHasRollbackTime : 0) |
         (state.next_retry_time_ms != 0 ? kHasNextRetryTime : 0) |
         (state.last_error_branch != 0 ? kHasLastErrorBranch : 0) | (state.submit_time_ms != 0 ? kHasSubmitTime : 0) |
         (state.errors != 0 ? kHasErrors : 0) | (state.query_attempts != 0 ? kHasQueryAttempts : 0) |
         (record.registration_count != 0 ? kHasRegistrations : 0) | (!state.result.empty() ? kHasResult : 0);
}

}  // namespace

std::string encode_state(std::string_view key, const StateRecord& record) {
  const State& state = record.state;
  Writer writer(ValueKind::state);
  writer.reserve(64 + record.gid.size() + state.rollback_reason.size() + state.last_error.size() + state.result.size() +
                 8 * record.first_run.size());
  writer.text(record.gid);
  writer.byte(static_cast<std::uint8_t>(record.type));
  writer.signed_number(record.create_time_ms);
  writer.number(record.branch_count);
  writer.byte(static_cast<std::uint8_t>(state.status));
  writer.number(flags_of(record));
  writer.time(state.update_time_ms, record.create_time_ms);
  if (state.finish_time_ms != 0) writer.time(state.finish_time_ms, record.create_time_ms);
  if (state.rollback_time_ms != 0) writer.time(state.rollback_time_ms, record.create_time_ms);
  if (state.next_retry_time_ms != 0) writer.time(state.next_retry_time_ms, record.create_time_ms);
  if (state.last_error_branch != 0) writer.number(state.last_error_branch);
  if (state.submit_time_ms != 0) writer.time(state.submit_time_ms, record.create_time_ms);
  if (state.errors != 0) writer.number(state.errors);
  if (state.query_attempts != 0) writer.number(state.query_attempts);
  if (record.registration_count != 0) writer.number(record.registration_count);
  if (!state.result.empty()) writer.text(state.result);
  writer.signed_number(state.retry_interval_ms);
  writer.text(state.rollback_reason);
  writer.text(state.last_error);
  write_branches(writer, record.first_run, record.create_time_ms);
  return sealed(key, writer.take());
}

Result<StateRecord> decode_state(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value, ValueKind::state);
  if (!content) return content.error();
  const Format& format = *content.value().format;
  Reader reader(content.value().fields);
  StateRecord record;
  State& state = record.state;
  record.gid = reader.text();
  record.type = reader.enumerator(format.last_type);
  record.create_time_ms = reader.signed_number();
  record.branch_count = reader.small_number();
  state.status = reader.enumerator(GlobalStatus::failed);
  const std::uint64_t flags = reader.flags(format.state_flags);
  const auto has = [flags](std::uint64_t bit) { return (flags & bit) != 0; };
  state.exact = has(kExact);
  state.parked = has(kParked);
  state.update_time_ms = reader.time(record.create_time_ms);
  if (has(kHasFinishTime)) state.finish_time_ms = reader.time(record.create_time_ms);
  if (has(kHasRollbackTime)) state.rollback_time_ms = reader.time(record.create_time_ms);
  if (has(kHasNextRetryTime)) state.next_retry_time_ms = reader.time(record.create_time_ms);
  if (has(kHasLastErrorBranch)) state.last_error_branch = reader.small_number();
  if (has(kHasSubmitTime)) state.submit_time_ms = reader.time(record.create_time_ms);
  if (has(kHasErrors)) state.errors = reader.small_number();
  if (has(kHasQueryAttempts)) state.query_attempts = reader.small_number();
  if (has(kHasRegistrations)) record.registration_count = reader.small_number();
  if (has(kHasResult)) state.result = reader.text();
  state.retry_interval_ms = reader.signed_number();
  state.rollback_reason = reader.text();
  state.last_error = reader.text();
  record.first_run = read_branches(reader, record.create_time_ms);
  const std::size_t rows = row_count(record.type, record.branch_count, record.registration_count);
  const bool may_register = record.registration_count == 0 || rows_per_registration(record.type) > 0;
  if (!reader.at_end() || !may_register || rows > kBranchesMax || record.first_run.size() > rows) return malformed(key);
  return record;
}

std::string encode_run(std::string_view key, const std::vector<BranchState>& branches) {
  Writer writer(ValueKind::run);
  writer.reserve(12 * branches.size());
  write_branches(writer, branches, 0);
  return sealed(key, writer.take());
}

Result<std::vector<BranchState>> decode_run(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value, ValueKind::run);
  if (!content) return content.error();
  Reader reader(content.value().fields);
  std::vector<BranchState> branches = read_branches(reader, 0);
  if (!reader.at_end()) return malformed(key);
  return branches;
}

}  // namespace settle
