#include "transports/dtm/answer.hpp"

#include "transports/dtm/json_text.hpp"

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
    case Code::internal:
      break;
  }
  return 500;
}

http::Response json_answer(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

// `options` is a string that holds JSON: the options that were set, and always `concurrent`.
std::string options_text(const Options& options) {
  std::string text;
  JsonObject object(text);
  const auto set = [&object](std::string_view name, std::int64_t value) {
    if (value != 0) object.number(name, value);
  };
  if (options.wait_result) object.boolean("wait_result", true);
  set("timeout_to_fail", options.timeout_to_fail_s);
  set("request_timeout", options.request_timeout_s);
  set("retry_interval", options.retry_interval_s);
  if (!options.branch_headers.empty()) {
    std::string& to = object.value("branch_headers");
    char separator = '{';
    for (const auto& [name, value] : options.branch_headers) {
      to += separator;
      separator = ',';
      append_json_string(to, name);
      to += ':';
      append_json_string(to, value);
    }
    to += '}';
  }
  object.boolean("concurrent", options.concurrent);
  set("retry_limit", options.retry_limit);
  object.end();
  return text;
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
  text("rollback_reason", state.rollback_reason);
  object.text("options", options_text(definition.options));
  text("custom_data", definition.custom_data);
  const std::int64_t interval_s = (state.retry_interval_ms + 999) / 1000;
  if (interval_s != 0) object.number("next_cron_interval", interval_s);
  time("next_cron_time", state.next_retry_time_ms);
  // DTM keeps this one in `options` only, and shows the unset member beside it.
  object.boolean("concurrent", false);
  object.end();
}

void append_branch(std::string& to, const StoredTransaction& transaction, std::size_t row) {
  const Definition& definition = *transaction.definition;
  const BranchDefinition& branch = definition.branches[row];
  const BranchState& state = transaction.branches[row];
  const std::string& payload = definition.payloads[branch.payload];
  JsonObject object(to);
  // Unique over all rows, as DTM's are.
  object.number("id", transaction.id * static_cast<std::int64_t>(kBranchesMax) + static_cast<std::int64_t>(row));
  object.time("create_time", definition.create_time_ms);
  object.time("update_time", state.finish_time_ms != 0 ? state.finish_time_ms : definition.create_time_ms);
  object.text("gid", definition.gid);
  if (!branch.url.empty()) object.text("url", branch.url);
  if (!payload.empty()) object.base64("bin_data", payload);
  object.text("branch_id", branch.branch_id);
  object.text("op", to_string(branch.operation));
  object.text("status", to_string(state.status));
  if (state.finish_time_ms != 0) object.time("finish_time", state.finish_time_ms);
  object.end();
}

}  // namespace

http::Response success_answer() { return json_answer(R"({"dtm_result":"SUCCESS"})"); }

http::Response error_answer(const Error& error) {
  http::Response response;
  response.status = http_status(error.code);
  JsonObject object(response.body);
  if (error.code == Code::failure) object.text("dtm_result", "FAILURE");
  if (error.code == Code::ongoing) object.text("dtm_result", "ONGOING");
  object.text("message", error.message);
  object.end();
  return response;
}

http::Response not_found_answer() { return {404, "text/plain", "404 page not found"}; }

http::Response transaction_answer(const std::optional<StoredTransaction>& found) {
  std::string body;
  JsonObject object(body);
  object.value("branches") += '[';
  for (std::size_t row = 0; found && row < found->branches.size(); ++row) {
    if (row > 0) body += ',';
    append_branch(body, *found, row);
  }
  body += ']';
  object.value("transaction");
  if (found) {
    append_transaction(body, *found);
  } else {
    body += "null";
  }
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

http::Response gid_answer(std::string_view gid) {
  std::string body;
  JsonObject object(body);
  object.text("dtm_result", "SUCCESS");
  object.text("gid", gid);
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
