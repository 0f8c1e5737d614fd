#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/value_format.hpp"

namespace settle {
namespace {

// What is not set more often than it is comes behind the orders, and only where its bit is set.
constexpr std::uint64_t kWaitResult = 1;
constexpr std::uint64_t kOptionsConcurrent = 2;
constexpr std::uint64_t kConcurrent = 4;
constexpr std::uint64_t kHasDelay = 8;
constexpr std::uint64_t kHasCallback = 16;

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

void read_branch_definitions(Reader& reader, const Format& format, Definition& definition) {
  const std::size_t count = reader.count();
  // Not reserved: a row takes far more memory than the one byte that `count` makes sure of.
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    BranchDefinition branch;
    branch.branch_id = reader.text();
    branch.operation = reader.enumerator(format.last_operation);
    branch.url = reader.text();
    branch.payload = reader.small_number();
    if (branch.payload >= definition.payloads.size()) reader.refuse();
    definition.branches.push_back(std::move(branch));
  }
}

std::size_t size_estimate(const Definition& definition) {
  std::size_t bytes = 64 + definition.custom_data.size() + definition.query_prepared.size() +
                      definition.callback_name.size() + definition.callback_payload.size();
  for (const std::string& payload : definition.payloads) bytes += payload.size() + 4;
  for (const BranchDefinition& branch : definition.branches) bytes += branch.url.size() + branch.branch_id.size() + 8;
  return bytes;
}

Result<GidRecord> read_purged(std::string_view key, Reader reader) {
  GidRecord record;
  record.purged_status = reader.enumerator(GlobalStatus::failed);
  record.purged_at_ms = reader.signed_number();
  if (!reader.at_end() || !is_final(record.purged_status)) return malformed(key);
  return record;
}

Result<GidRecord> read_definition(std::string_view key, const Format& format, Reader reader) {
  GidRecord record;
  record.id = reader.signed_number();
  Definition& definition = record.definition.emplace();
  definition.gid = key.substr(1);
  definition.type = reader.enumerator(format.last_type);
  definition.protocol = reader.enumerator(format.last_protocol, format.first_protocol);
  const std::uint64_t flags = reader.flags(format.definition_flags);
  definition.options.wait_result = (flags & kWaitResult) != 0;
  definition.options.concurrent = (flags & kOptionsConcurrent) != 0;
  definition.concurrent = (flags & kConcurrent) != 0;
  definition.create_time_ms = reader.signed_number();
  read_options(reader, definition.options);
  definition.custom_data = reader.text();
  definition.query_prepared = reader.text();
  const std::size_t payloads = reader.count();
  for (std::size_t i = 0; i < payloads && reader.ok(); ++i) definition.payloads.push_back(reader.text());
  read_branch_definitions(reader, format, definition);
  read_orders(reader, definition);
  if ((flags & kHasDelay) != 0) definition.delay_s = reader.signed_number();
  if ((flags & kHasCallback) != 0) {
    definition.callback_name = reader.text();
    definition.callback_payload = reader.text();
  }
  if (!reader.at_end()) return malformed(key);
  return record;
}

}  // namespace

std::string encode_definition(std::string_view key, std::int64_t id, const Definition& definition) {
  const Options& options = definition.options;
  const bool has_callback = !definition.callback_name.empty() || !definition.callback_payload.empty();
  Writer writer(ValueKind::definition);
  writer.reserve(size_estimate(definition));
  writer.signed_number(id);
  writer.byte(static_cast<std::uint8_t>(definition.type));
  writer.byte(static_cast<std::uint8_t>(definition.protocol));
  writer.number((options.wait_result ? kWaitResult : 0) | (options.concurrent ? kOptionsConcurrent : 0) |
                (definition.concurrent ? kConcurrent : 0) | (definition.delay_s != 0 ? kHasDelay : 0) |
                (has_callback ? kHasCallback : 0));
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
  if (definition.delay_s != 0) writer.signed_number(definition.delay_s);
  if (has_callback) {
    writer.text(definition.callback_name);
    writer.text(definition.callback_payload);
  }
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
  const auto& [kind, format, fields] = content.value();
  if (kind == ValueKind::purged) return read_purged(key, Reader(fields));
  if (kind == ValueKind::definition && !key.empty()) return read_definition(key, *format, Reader(fields));
  return malformed(key);
}

}  // namespace settle
