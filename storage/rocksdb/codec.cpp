#include "storage/rocksdb/codec.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "settle/store.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

// Stored on disk: never reuse or renumber one.
enum class ValueKind : std::uint8_t { definition = 1, purged = 2, state = 3, run = 4, number = 5 };

constexpr std::size_t kHeadBytes = 2;
constexpr std::size_t kChecksumBytes = 4;

// Bits of a state's and of a branch state's flags. A number that is 0 more often than not is only written where its bit
// is set.
constexpr std::uint8_t kExact = 1;
constexpr std::uint8_t kParked = 2;
constexpr std::uint8_t kHasFinishTime = 4;
constexpr std::uint8_t kHasRollbackTime = 8;
constexpr std::uint8_t kHasNextRetryTime = 16;
constexpr std::uint8_t kHasLastErrorBranch = 32;
constexpr std::uint8_t kStateFlags = 63;

constexpr std::uint8_t kBranchStatusMask = 3;
constexpr std::uint8_t kBranchStarted = 4;
constexpr std::uint8_t kBranchHasAttempts = 8;
constexpr std::uint8_t kBranchHasFinishTime = 16;
constexpr std::uint8_t kBranchFlags = 31;

constexpr std::uint8_t kWaitResult = 1;
constexpr std::uint8_t kOptionsConcurrent = 2;
constexpr std::uint8_t kConcurrent = 4;
constexpr std::uint8_t kDefinitionFlags = 7;

// CRC-32 of both, one behind the other: a value is bound to its key.
std::uint32_t checksum(std::string_view key, std::string_view content) {
  const auto add = [](uLong before, std::string_view bytes) {
    return crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  return static_cast<std::uint32_t>(add(add(0, key), content));
}

class Writer {
 public:
  explicit Writer(ValueKind kind) {
    byte(kValueVersion);
    byte(static_cast<std::uint8_t>(kind));
  }

  void byte(std::uint8_t value) { content_.push_back(static_cast<char>(value)); }

  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }

  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }

  // As the distance from `base`, which is short where both are times of one transaction.
  void time(std::int64_t value, std::int64_t base) {
    signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base)));
  }

  void text(std::string_view value) {
    number(value.size());
    content_.append(value);
  }

  void reserve(std::size_t bytes) { content_.reserve(content_.size() + bytes + kChecksumBytes); }
  std::string take() { return std::move(content_); }

 private:
  std::string content_;
};

// Reads what a Writer wrote. What is malformed gives 0 or nothing and makes `ok` false for good, so that callers check
// once, at the end, and before they allocate.
class Reader {
 public:
  explicit Reader(std::string_view content) : rest_(content) {}

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }
  void refuse() { ok_ = false; }

  std::uint8_t byte() {
    if (rest_.empty()) {
      ok_ = false;
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      const std::uint64_t bits = next & 0x7F;
      if (shift == 63 && bits > 1) break;
      value |= bits << shift;
      if ((next & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }

  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }

  std::int64_t time(std::int64_t base) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(signed_number()) + static_cast<std::uint64_t>(base));
  }

  std::uint32_t small_number() {
    const std::uint64_t value = number();
    if (value > UINT32_MAX) ok_ = false;
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }

  // How many elements follow, each of one byte at least: a count that the bytes left cannot hold is refused before
  // anything is allocated for it.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }

  std::string text() {
    const std::size_t length = count();
    std::string value(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return value;
  }

  // A byte that stands for one of the enumerators 1 … last.
  template <class Enumeration>
  Enumeration enumerator(Enumeration last) {
    const std::uint8_t value = byte();
    if (value < 1 || value > static_cast<std::uint8_t>(last)) {
      ok_ = false;
      return last;
    }
    return static_cast<Enumeration>(value);
  }

  std::uint8_t flags(std::uint8_t known) {
    const std::uint8_t value = byte();
    if ((value & ~known) != 0) ok_ = false;
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Error damaged(std::string_view key, std::string_view why) {
  return {Code::internal, "damaged value of the " + describe_key(key) + ": " + std::string(why)};
}

constexpr std::string_view kMalformed = "its content is malformed";

// The content of a value without its head; checks the version and the checksum.
struct Content {
  std::uint8_t kind = 0;
  std::string_view fields;
};
Result<Content> unsealed(std::string_view key, std::string_view value) {
  if (value.size() < kHeadBytes + kChecksumBytes) return damaged(key, "it is too short");
  const auto version = static_cast<std::uint8_t>(value[0]);
  const std::string_view content = value.substr(0, value.size() - kChecksumBytes);
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    stored |= std::uint32_t{static_cast<std::uint8_t>(value[content.size() + i])} << (8 * i);
  }
  if (stored != checksum(key, content)) return damaged(key, "its checksum does not match");
  if (version != kValueVersion) {
    return Error{Code::internal, "the " + describe_key(key) + " has format " + std::to_string(version) +
                                     ", this program knows only " + std::to_string(kValueVersion)};
  }
  return Content{static_cast<std::uint8_t>(value[1]), content.substr(kHeadBytes)};
}

void write_branches(Writer& writer, const std::vector<BranchState>& branches, std::int64_t base_ms) {
  writer.number(branches.size());
  for (const BranchState& branch : branches) {
    std::uint8_t flags = static_cast<std::uint8_t>(branch.status);
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
    const std::uint8_t flags = reader.flags(kBranchFlags);
    const std::uint8_t status = flags & kBranchStatusMask;
    if (status == 0) reader.refuse();
    if (!reader.ok()) return branches;
    branch.status = static_cast<BranchStatus>(status);
    branch.started = (flags & kBranchStarted) != 0;
    if ((flags & kBranchHasAttempts) != 0) branch.attempts = reader.small_number();
    if ((flags & kBranchHasFinishTime) != 0) branch.finish_time_ms = base_ms = reader.time(base_ms);
  }
  return branches;
}

void write_orders(Writer& writer, const Definition& definition) {
  writer.number(definition.orders.size());
  for (const auto& [step, before] : definition.orders) {
    writer.number(step);
    writer.number(before.size());
    for (std::uint32_t other : before) writer.number(other);
  }
}

void read_orders(Reader& reader, Definition& definition) {
  const std::size_t count = reader.count();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint32_t step = reader.small_number();
    std::vector<std::uint32_t> before(reader.count());
    for (std::uint32_t& other : before) other = reader.small_number();
    if (!definition.orders.emplace(step, std::move(before)).second) reader.refuse();
  }
}

void read_options(Reader& reader, Options& options) {
  options.timeout_to_fail_s = reader.signed_number();
  options.request_timeout_s = reader.signed_number();
  options.retry_interval_s = reader.signed_number();
  options.retry_limit = reader.signed_number();
  const std::size_t headers = reader.count();
  for (std::size_t i = 0; i < headers && reader.ok(); ++i) {
    std::string name = reader.text();
    if (!options.branch_headers.emplace(std::move(name), reader.text()).second) reader.refuse();
  }
}

void read_branch_definitions(Reader& reader, Definition& definition) {
  const std::size_t count = reader.count();
  // Not reserved: a row takes far more memory than the one byte that `count` makes sure of.
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    BranchDefinition branch;
    branch.branch_id = reader.text();
    branch.operation = reader.enumerator(Operation::compensate);
    branch.url = reader.text();
    branch.payload = reader.small_number();
    if (branch.payload >= definition.payloads.size()) reader.refuse();
    definition.branches.push_back(std::move(branch));
  }
}

std::size_t size_estimate(const Definition& definition) {
  std::size_t bytes = 64 + definition.custom_data.size() + definition.query_prepared.size();
  for (const std::string& payload : definition.payloads) bytes += payload.size() + 4;
  for (const BranchDefinition& branch : definition.branches) bytes += branch.url.size() + branch.branch_id.size() + 8;
  return bytes;
}

}  // namespace

std::string sealed(std::string_view key, std::string content) {
  const std::uint32_t sum = checksum(key, content);
  for (std::size_t i = 0; i < kChecksumBytes; ++i) content.push_back(static_cast<char>((sum >> (8 * i)) & 0xFF));
  return content;
}

std::string encode_definition(std::string_view key, std::int64_t id, const Definition& definition) {
  const Options& options = definition.options;
  Writer writer(ValueKind::definition);
  writer.reserve(size_estimate(definition));
  writer.signed_number(id);
  writer.byte(static_cast<std::uint8_t>(definition.type));
  writer.byte(static_cast<std::uint8_t>(definition.protocol));
  writer.byte(static_cast<std::uint8_t>((options.wait_result ? kWaitResult : 0) |
                                        (options.concurrent ? kOptionsConcurrent : 0) |
                                        (definition.concurrent ? kConcurrent : 0)));
  writer.signed_number(definition.create_time_ms);
  writer.signed_number(options.timeout_to_fail_s);
  writer.signed_number(options.request_timeout_s);
  writer.signed_number(options.retry_interval_s);
  writer.signed_number(options.retry_limit);
  writer.number(options.branch_headers.size());
  for (const auto& [name, value] : options.branch_headers) {
    writer.text(name);
    writer.text(value);
  }
  writer.text(definition.custom_data);
  writer.text(definition.query_prepared);
  writer.number(definition.payloads.size());
  for (const std::string& payload : definition.payloads) writer.text(payload);
  writer.number(definition.branches.size());
  for (const BranchDefinition& branch : definition.branches) {
    writer.text(branch.branch_id);
    writer.byte(static_cast<std::uint8_t>(branch.operation));
    writer.text(branch.url);
    writer.number(branch.payload);
  }
  write_orders(writer, definition);
  return sealed(key, writer.take());
}

std::string encode_purged(std::string_view key, GlobalStatus status, std::int64_t purged_at_ms) {
  Writer writer(ValueKind::purged);
  writer.byte(static_cast<std::uint8_t>(status));
  writer.signed_number(purged_at_ms);
  return sealed(key, writer.take());
}

Result<GidRecord> decode_gid_record(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value);
  if (!content) return content.error();
  Reader reader(content.value().fields);
  GidRecord record;
  if (content.value().kind == static_cast<std::uint8_t>(ValueKind::purged)) {
    record.purged_status = reader.enumerator(GlobalStatus::failed);
    record.purged_at_ms = reader.signed_number();
    if (!reader.at_end() || !is_final(record.purged_status)) return damaged(key, kMalformed);
    return record;
  }
  if (content.value().kind != static_cast<std::uint8_t>(ValueKind::definition) || key.empty()) {
    return damaged(key, kMalformed);
  }
  record.id = reader.signed_number();
  Definition& definition = record.definition.emplace();
  definition.gid = key.substr(1);
  definition.type = reader.enumerator(TransType::saga);
  definition.protocol = reader.enumerator(Protocol::http);
  const std::uint8_t flags = reader.flags(kDefinitionFlags);
  definition.options.wait_result = (flags & kWaitResult) != 0;
  definition.options.concurrent = (flags & kOptionsConcurrent) != 0;
  definition.concurrent = (flags & kConcurrent) != 0;
  definition.create_time_ms = reader.signed_number();
  read_options(reader, definition.options);
  definition.custom_data = reader.text();
  definition.query_prepared = reader.text();
  const std::size_t payloads = reader.count();
  for (std::size_t i = 0; i < payloads && reader.ok(); ++i) definition.payloads.push_back(reader.text());
  read_branch_definitions(reader, definition);
  read_orders(reader, definition);
  if (!reader.at_end()) return damaged(key, kMalformed);
  return record;
}

std::string encode_state(std::string_view key, const StateRecord& record) {
  const State& state = record.state;
  Writer writer(ValueKind::state);
  writer.reserve(64 + record.gid.size() + state.rollback_reason.size() + state.last_error.size() +
                 8 * record.first_run.size());
  writer.text(record.gid);
  writer.byte(static_cast<std::uint8_t>(record.type));
  writer.signed_number(record.create_time_ms);
  writer.number(record.branch_count);
  writer.byte(static_cast<std::uint8_t>(state.status));
  writer.byte(static_cast<std::uint8_t>(
      (state.exact ? kExact : 0) | (state.parked ? kParked : 0) | (state.finish_time_ms != 0 ? kHasFinishTime : 0) |
      (state.rollback_time_ms != 0 ? kHasRollbackTime : 0) | (state.next_retry_time_ms != 0 ? kHasNextRetryTime : 0) |
      (state.last_error_branch != 0 ? kHasLastErrorBranch : 0)));
  writer.time(state.update_time_ms, record.create_time_ms);
  if (state.finish_time_ms != 0) writer.time(state.finish_time_ms, record.create_time_ms);
  if (state.rollback_time_ms != 0) writer.time(state.rollback_time_ms, record.create_time_ms);
  if (state.next_retry_time_ms != 0) writer.time(state.next_retry_time_ms, record.create_time_ms);
  if (state.last_error_branch != 0) writer.number(state.last_error_branch);
  writer.signed_number(state.retry_interval_ms);
  writer.text(state.rollback_reason);
  writer.text(state.last_error);
  write_branches(writer, record.first_run, record.create_time_ms);
  return sealed(key, writer.take());
}

Result<StateRecord> decode_state(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value);
  if (!content) return content.error();
  if (content.value().kind != static_cast<std::uint8_t>(ValueKind::state)) return damaged(key, kMalformed);
  Reader reader(content.value().fields);
  StateRecord record;
  State& state = record.state;
  record.gid = reader.text();
  record.type = reader.enumerator(TransType::saga);
  record.create_time_ms = reader.signed_number();
  record.branch_count = reader.small_number();
  state.status = reader.enumerator(GlobalStatus::failed);
  const std::uint8_t flags = reader.flags(kStateFlags);
  state.exact = (flags & kExact) != 0;
  state.parked = (flags & kParked) != 0;
  state.update_time_ms = reader.time(record.create_time_ms);
  if ((flags & kHasFinishTime) != 0) state.finish_time_ms = reader.time(record.create_time_ms);
  if ((flags & kHasRollbackTime) != 0) state.rollback_time_ms = reader.time(record.create_time_ms);
  if ((flags & kHasNextRetryTime) != 0) state.next_retry_time_ms = reader.time(record.create_time_ms);
  if ((flags & kHasLastErrorBranch) != 0) state.last_error_branch = reader.small_number();
  state.retry_interval_ms = reader.signed_number();
  state.rollback_reason = reader.text();
  state.last_error = reader.text();
  record.first_run = read_branches(reader, record.create_time_ms);
  if (!reader.at_end() || record.first_run.size() > record.branch_count || record.branch_count > kBranchesMax) {
    return damaged(key, kMalformed);
  }
  return record;
}

std::string encode_run(std::string_view key, const std::vector<BranchState>& branches) {
  Writer writer(ValueKind::run);
  writer.reserve(12 * branches.size());
  write_branches(writer, branches, 0);
  return sealed(key, writer.take());
}

Result<std::vector<BranchState>> decode_run(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value);
  if (!content) return content.error();
  if (content.value().kind != static_cast<std::uint8_t>(ValueKind::run)) return damaged(key, kMalformed);
  Reader reader(content.value().fields);
  std::vector<BranchState> branches = read_branches(reader, 0);
  if (!reader.at_end()) return damaged(key, kMalformed);
  return branches;
}

std::string encode_number(std::string_view key, std::int64_t number) {
  Writer writer(ValueKind::number);
  writer.signed_number(number);
  return sealed(key, writer.take());
}

Result<std::int64_t> decode_number(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value);
  if (!content) return content.error();
  Reader reader(content.value().fields);
  const std::int64_t number = reader.signed_number();
  if (content.value().kind != static_cast<std::uint8_t>(ValueKind::number) || !reader.at_end()) {
    return damaged(key, kMalformed);
  }
  return number;
}

}  // namespace settle
