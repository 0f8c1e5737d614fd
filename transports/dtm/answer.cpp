#include "transports/dtm/answer.hpp"

#include "engine/json/json_text.hpp"
#include "engine/json/options.hpp"
#include "settle/waiting.hpp"

namespace settle::dtm {
namespace {

unsigned http_status(Code code) {
  switch (code) {
    case Code::failure:
      return 409;
    case Code::ongoing:
      return 425;
    case Code::invalid:
      return 400;
    case Code::overloaded:
    case Code::unavailable:
      return 503;
    case Code::not_found:
    case Code::conflict:
    case Code::internal:
      break;
  }
  return 500;
}

void append_transaction(std::string& to, const StoredTransaction& transaction) {
  const Definition& definition = *transaction.definition;
  const State& state = transaction.state;
  JsonObject object(to);
  const auto text = [&object](std::string_view name, std::string_view value) {
    if (!value.empty()) object.text(name, value);
  };
  const auto time = [&object](std::string_view name, std::int64_t wall_ms) {
    if (wall_ms != 0) object.time(name, wall_ms);
  };
  object.number("id", transaction.id);
  object.time("create_time", definition.create_time_ms);
  object.time("update_time", state.update_time_ms != 0 ? state.update_time_ms : definition.create_time_ms);
  object.text("gid", definition.gid);
  object.text("trans_type", to_string(definition.type));
  object.text("status", to_string(state.status));
  text("query_prepared", definition.query_prepared);
  object.text("protocol", to_string(definition.protocol));
  time("finish_time", state.finish_time_ms);
  time("rollback_time", state.rollback_time_ms);
  text("result", state.result);
  text("rollback_reason", state.rollback_reason);
  object.text("options", options_text(definition.options));
  text("custom_data", definition.custom_data);
  const std::int64_t interval_s = (state.retry_interval_ms + 999) / 1000;
  object.number_unless_zero("next_cron_interval", interval_s);
  time("next_cron_time", shown_retry_time_ms(definition, state));
  // DTM keeps this one in `options` only, and shows the unset member beside it.
  object.boolean("concurrent", false);
  object.end();
}

void append_branch(std::string& to, const StoredTransaction& transaction, std::size_t row) {
  const Definition& definition = *transaction.definition;
  const BranchView branch = transaction.branch(row);
  const BranchState& state = transaction.branches[row];
  JsonObject object(to);
  // Unique over all rows, as DTM's are.
  object.number("id", transaction.id * static_cast<std::int64_t>(kBranchesMax) + static_cast<std::int64_t>(row));
  object.time("create_time", definition.create_time_ms);
  object.time("update_time", state.finish_time_ms != 0 ? state.finish_time_ms : definition.create_time_ms);
  object.text("gid", definition.gid);
  if (!branch.url.empty()) object.text("url", branch.url);
  if (!branch.payload.empty()) object.base64("bin_data", branch.payload);
  object.text("branch_id", branch.branch_id);
  object.text("op", branch.operation);
  object.text("status", to_string(state.status));
  if (state.finish_time_ms != 0) object.time("finish_time", state.finish_time_ms);
  object.end();
}

void append_branches(std::string& to, const StoredTransaction& transaction) {
  to += '[';
  for (std::size_t row = 0; row < transaction.branches.size(); ++row) {
    if (row > 0) to += ',';
    append_branch(to, transaction, row);
  }
  to += ']';
}

// What query_prepared is called with, as a row; see protocol.md §5.4 and §5.5.
BranchView query_row(const Definition& definition) {
  const bool is_workflow = definition.type == TransType::workflow;
  return {kQueryBranchId, is_workflow ? std::string_view(definition.callback_name) : "msg", definition.query_prepared,
          definition.callback_payload};
}

void append_waiting(std::string& to, const StoredTransaction& transaction, const Waiting& waiting) {
  JsonObject object(to);
  object.text("what", waiting.what);
  if (waiting.has_call) {
    const BranchView row =
        waiting.row == kQueryRow ? query_row(*transaction.definition) : transaction.branch(waiting.row);
    object.text("branch_id", row.branch_id);
    object.text("op", row.operation);
    object.text("url", row.url);
    object.number("attempts", waiting.attempts);
    if (!waiting.last_error.empty()) object.text("last_error", waiting.last_error);
  }
  if (waiting.next_try_ms != 0) object.time("next_try", waiting.next_try_ms);
  object.end();
}

void append_key_value(std::string& to, const KeyValue& value) {
  JsonObject object(to);
  object.number("id", value.id);
  object.time("create_time", value.create_time_ms);
  object.time("update_time", value.update_time_ms);
  object.text("cat", value.category);
  object.text("k", value.key);
  object.text("v", value.value);
  object.number("version", value.version);
  object.end();
}

}  // namespace

http::Response json_answer(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

http::Response operation_answer(const std::optional<std::string>& gid) {
  if (!gid) return success_answer();
  std::string body;
  JsonObject object(body);
  object.text("dtm_result", "SUCCESS");
  object.text("gid", *gid);
  object.end();
  return json_answer(std::move(body));
}

http::Response success_answer() { return json_answer(R"({"dtm_result":"SUCCESS"})"); }

http::Response error_answer(const Error& error) {
  http::Response response;
  response.status = http_status(error.code);
  JsonObject object(response.body);
  if (error.code == Code::failure) object.text("dtm_result", "FAILURE");
  if (error.code == Code::ongoing) object.text("dtm_result", "ONGOING");
  object.text("message", told_message(error.message));
  object.end();
  return response;
}

http::Response not_found_answer() { return {404, "text/plain", "404 page not found"}; }

http::Response transaction_answer(const std::optional<StoredTransaction>& found) {
  std::string body;
  JsonObject object(body);
  if (found) {
    append_branches(object.value("branches"), *found);
    append_transaction(object.value("transaction"), *found);
    if (const auto waiting = waiting_for(*found)) append_waiting(object.value("waits_for"), *found, *waiting);
  } else {
    object.value("branches") += "[]";
    object.value("transaction") += "null";
  }
  object.end();
  return json_answer(std::move(body));
}

http::Response workflow_answer(const StoredTransaction& transaction) {
  std::string body;
  JsonObject object(body);
  append_branches(object.value("progresses"), transaction);
  append_transaction(object.value("transaction"), transaction);
  object.end();
  return json_answer(std::move(body));
}

http::Response key_values_answer(const std::vector<KeyValue>& values, const std::optional<std::string>& next_position) {
  std::string body;
  JsonObject object(body);
  std::string& list = object.value("kv");
  list += '[';
  for (const KeyValue& value : values) {
    if (&value != &values.front()) list += ',';
    append_key_value(list, value);
  }
  list += ']';
  if (next_position) object.text("next_position", *next_position);
  object.end();
  return json_answer(std::move(body));
}

http::Response list_answer(const std::vector<StoredTransaction>& transactions, std::string_view next_position) {
  std::string body;
  JsonObject object(body);
  object.text("next_position", next_position);
  object.value("transactions") += '[';
  for (const StoredTransaction& transaction : transactions) {
    if (&transaction != &transactions.front()) body += ',';
    append_transaction(body, transaction);
  }
  body += ']';
  object.end();
  return json_answer(std::move(body));
}

http::Response made_due_answer(const MadeDue& made_due) {
  std::string body;
  JsonObject object(body);
  object.boolean("has_remaining", made_due.remaining);
  object.number("succeed_count", static_cast<std::int64_t>(made_due.count));
  object.end();
  return json_answer(std::move(body));
}

http::Response text_answer(std::string_view name, std::string_view text) {
  std::string body;
  JsonObject object(body);
  object.text(name, text);
  object.end();
  return json_answer(std::move(body));
}

}  // namespace settle::dtm
