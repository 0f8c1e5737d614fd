#include "engine/json/custom_data.hpp"

#include <charconv>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/json/json.hpp"
#include "engine/json/json_text.hpp"

namespace settle::dtm {
namespace {

std::optional<std::uint32_t> parse_step_number(const json::value& value) {
  if (value.is_null()) return 0;
  const std::int64_t* const number = value.if_int64();
  if (number == nullptr || *number < 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<std::uint32_t> parse_step_number(json::string_view text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || stopped != end || text.empty()) return std::nullopt;
  return number;
}

void read_orders(Fields& custom, std::map<std::uint32_t, std::vector<std::uint32_t>>& orders) {
  const json::object* const object = custom.read_object("orders");
  if (object == nullptr) return;
  for (const json::key_value_pair& member : *object) {
    const std::string name = "orders." + valid_utf8(view_of(member.key()));
    const auto step = parse_step_number(member.key());
    if (step && member.value().is_null()) continue;
    const json::array* const before = member.value().if_array();
    if (!step || before == nullptr) {
      custom.refuse(name, "must be a step's number from 0, with an array of those that it waits for");
      return;
    }
    std::vector<std::uint32_t>& list = orders[*step];
    for (const json::value& element : *before) {
      if (const auto other = parse_step_number(element)) {
        list.push_back(*other);
      } else {
        custom.refuse(name, "must hold numbers of steps, counted from 0");
      }
    }
  }
}

void read_callback(Fields& custom, Definition& definition) {
  custom.read("name", definition.callback_name);
  std::string encoded;
  custom.read("data", encoded);
  if (std::optional<std::string> data = parse_base64(encoded)) {
    definition.callback_payload = std::move(*data);
  } else {
    custom.refuse("data", "is not base64");
  }
}

}  // namespace

Result<Done> parse_custom_data(Definition& definition) {
  if (definition.custom_data.empty()) return Done{};
  const Document document(definition.custom_data, "custom_data");
  if (document.error()) return *document.error();
  if (!document.value().is_object()) return Done{};
  Fields custom = Fields::within(document.value(), "custom_data");
  switch (definition.type) {
    case TransType::saga:
      custom.read("concurrent", definition.concurrent);
      read_orders(custom, definition.orders);
      break;
    case TransType::msg:
      custom.read("delay", definition.delay_s);
      break;
    case TransType::workflow:
      read_callback(custom, definition);
      break;
    case TransType::tcc:
    case TransType::xa:
      break;
  }
  if (custom.error()) return *custom.error();
  return Done{};
}

}  // namespace settle::dtm
