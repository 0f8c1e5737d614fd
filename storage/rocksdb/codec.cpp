#include "storage/rocksdb/codec.hpp"

#include <cstdint>
#include <string>

#include "storage/rocksdb/value_format.hpp"

namespace settle {

std::string encode_number(std::string_view key, std::int64_t number) {
  Writer writer(ValueKind::number);
  writer.signed_number(number);
  return sealed(key, writer.take());
}

Result<std::int64_t> decode_number(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value, ValueKind::number);
  if (!content) return content.error();
  Reader reader(content.value().fields);
  const std::int64_t number = reader.signed_number();
  if (!reader.at_end()) return malformed(key);
  return number;
}

std::string encode_registration(std::string_view key, const Registration& registration) {
  Writer writer(ValueKind::registration);
  writer.reserve(32 + registration.branch_id.size() + registration.payload.size() + registration.url.size() +
                 registration.cancel_url.size() + registration.operation.size());
  writer.text(registration.branch_id);
  writer.text(registration.payload);
  writer.text(registration.url);
  writer.text(registration.cancel_url);
  writer.text(registration.operation);
  return sealed(key, writer.take());
}

Result<Registration> decode_registration(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value, ValueKind::registration);
  if (!content) return content.error();
  Reader reader(content.value().fields);
  Registration registration;
  registration.branch_id = reader.text();
  registration.payload = reader.text();
  registration.url = reader.text();
  registration.cancel_url = reader.text();
  registration.operation = reader.text();
  if (!reader.at_end()) return malformed(key);
  return registration;
}

std::string encode_key_value(std::string_view key, const KeyValue& key_value) {
  Writer writer(ValueKind::key_value);
  writer.reserve(64 + key_value.category.size() + key_value.key.size() + key_value.value.size());
  writer.signed_number(key_value.id);
  writer.signed_number(key_value.version);
  writer.signed_number(key_value.create_time_ms);
  writer.time(key_value.update_time_ms, key_value.create_time_ms);
  writer.text(key_value.category);
  writer.text(key_value.key);
  writer.text(key_value.value);
  return sealed(key, writer.take());
}

Result<KeyValue> decode_key_value(std::string_view key, std::string_view value) {
  const auto content = unsealed(key, value, ValueKind::key_value);
  if (!content) return content.error();
  Reader reader(content.value().fields);
  KeyValue key_value;
  key_value.id = reader.signed_number();
  key_value.version = reader.signed_number();
  key_value.create_time_ms = reader.signed_number();
  key_value.update_time_ms = reader.time(key_value.create_time_ms);
  key_value.category = reader.text();
  key_value.key = reader.text();
  key_value.value = reader.text();
  if (!reader.at_end()) return malformed(key);
  return key_value;
}

}  // namespace settle
