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

// Of `query`. Nothing: an unknown gid.
http::Response transaction_answer(const std::optional<StoredTransaction>& found);

// Of `all`.
http::Response list_answer(const std::vector<StoredTransaction>& transactions, std::string_view next_position);

// Of `resetCronTime`.
http::Response made_due_answer(const MadeDue& made_due);

// Of `newGid`.
http::Response gid_answer(std::string_view gid);

// {"<name>":"<text>"}
http::Response text_answer(std::string_view name, std::string_view text);

}  // namespace settle::dtm
