#include "transports/dtm/steps.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace settle::dtm {
namespace {

struct Step {
  std::string action;
  std::string compensate;
  std::string payload;
};

struct Steps {
  std::vector<Step> list;
  std::size_t bodies = 0;
};

void read_step(Fields& fields, const json::value& value, std::size_t number, Steps& to) {
  Fields members = Fields::within(value, "steps[" + std::to_string(number) + "]", Fields::Names::exact);
  members.check_strings();
  Step& step = to.list.emplace_back();
  members.read("action", step.action);
  members.read("compensate", step.compensate);
  to.bodies += members.read("data", step.payload) ? 1U : 0U;
  if (members.error()) fields.fail(*members.error());
}

void read_payload(Fields& fields, const json::value& value, std::size_t number, Steps& to) {
  const json::string* const text = value.if_string();
  if (text == nullptr && !value.is_null()) {
    fields.refuse("payloads[" + std::to_string(number) + "]", "must be a string", value);
  } else if (number < to.list.size()) {
    to.list[number].payload = text != nullptr ? text_of(*text) : std::string();
  }
}

void read_steps_array(Fields& fields, const json::array& array, Steps& to) {
  to.list.reserve(array.size());
  for (const json::value& value : array) read_step(fields, value, to.list.size(), to);
}

Steps read_lists(Fields& fields) {
  Steps steps;
  if (const json::array* const array = fields.read_array("steps")) read_steps_array(fields, *array, steps);
  if (const json::array* const array = fields.read_array("payloads"); array != nullptr && !array->empty()) {
    steps.bodies = array->size();
    for (std::size_t i = 0; i < array->size(); ++i) read_payload(fields, (*array)[i], i, steps);
  }
  return steps;
}

void append_saga(Definition& definition, std::vector<Step> from) {
  std::vector<SagaStep> steps;
  steps.reserve(from.size());
  for (Step& step : from) {
    steps.push_back({std::move(step.action), std::move(step.compensate), std::move(step.payload)});
  }
  append_saga_steps(definition, std::move(steps));
}

void append_message(Definition& definition, std::vector<Step> from) {
  std::vector<MessageAction> actions;
  actions.reserve(from.size());
  for (Step& step : from) actions.push_back({std::move(step.action), std::move(step.payload)});
  append_message_actions(definition, std::move(actions));
}

Result<Done> append(Definition& definition, Steps steps, const char* payloads_name) {
  const bool is_saga = definition.type == TransType::saga;
  if (!is_saga && definition.type != TransType::msg) return Done{};
  if (steps.bodies != steps.list.size()) {
    return invalid(std::string(payloads_name) + ": there must be one for each step, but there are " +
                   std::to_string(steps.bodies) + " for " + std::to_string(steps.list.size()) + " steps");
  }
  if (is_saga) {
    append_saga(definition, std::move(steps.list));
  } else {
    append_message(definition, std::move(steps.list));
  }
  return Done{};
}

}  // namespace

void read_steps(Fields& fields, Definition& definition) {
  Steps steps = read_lists(fields);
  if (fields.error()) return;
  if (Result<Done> ok = append(definition, std::move(steps), "payloads"); !ok) fields.fail(std::move(ok.error()));
}

Result<Done> parse_steps(std::string_view steps, std::vector<std::string> payloads, Definition& definition) {
  static constexpr std::string_view kNone = "null";
  const Document document(steps.empty() ? kNone : steps, "Steps");
  if (document.error()) return *document.error();
  const json::array* const array = document.value().if_array();
  if (array == nullptr && !document.value().is_null()) {
    return invalid("Steps: must be a JSON array, is " + std::string(kind_name(document.value())));
  }
  Steps read;
  if (array != nullptr) {
    const json::value none;
    Fields fields(none, "Steps");
    read_steps_array(fields, *array, read);
    if (fields.error()) return *fields.error();
  }
  if (!payloads.empty()) {
    read.bodies = payloads.size();
    const std::size_t both = std::min(payloads.size(), read.list.size());
    for (std::size_t i = 0; i < both; ++i) read.list[i].payload = std::move(payloads[i]);
  }
  return append(definition, std::move(read), "BinPayloads");
}

void check_steps(Fields& fields) { read_lists(fields); }

}  // namespace settle::dtm
