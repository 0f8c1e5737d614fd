// The JSON of answers, in the shape and the order of fields that DTM's clients know (protocol.md §3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settle/engine.hpp"
#include "settle/http/server.hpp"

namespace settle::dtm {

// {"dtm_result":"SUCCESS"}
http::Response success_answer();

// The HTTP status and body of a refusal: the one place where codes meet statuses.
http::Response error_answer(const Error& error);

// 404 as text, for what is no endpoint.
http::Response not_found_answer();

// Of an operation that went well: {"dtm_result":"SUCCESS"}, and the gid where it gives one.
http::Response operation_answer(const std::optional<std::string>& gid);

// 200, and this JSON.
http::Response json_answer(std::string body);

// Of `query`: the one place where it is told what an unfinished transaction waits for. Nothing: an unknown gid.
http::Response transaction_answer(const std::optional<StoredTransaction>& found);

// Of `prepareWorkflow`.
http::Response workflow_answer(const StoredTransaction& transaction);

// Of `queryKV`, which has no next_position, and `scanKV`.
http::Response key_values_answer(const std::vector<KeyValue>& values, const std::optional<std::string>& next_position);

// Of `all`.
http::Response list_answer(const std::vector<StoredTransaction>& transactions, std::string_view next_position);

// Of `resetCronTime`.
http::Response made_due_answer(const MadeDue& made_due);

// {"<name>":"<text>"}
http::Response text_answer(std::string_view name, std::string_view text);

}  // namespace settle::dtm
