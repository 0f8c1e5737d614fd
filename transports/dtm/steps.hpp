// The steps of a saga or a message, each with the body to send.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/json/json.hpp"
#include "settle/transaction.hpp"

namespace settle::dtm {

// Reads `steps` and `payloads` into the definition's rows. The bodies are in `payloads`, or, with very old clients, in
// the steps' `data`; there must be one for each step. Other types than saga and msg have no rows: what is given with
// them must be of the right kinds, and is dropped. `definition.type` must be set. What is wrong is remembered by
// `fields`.
void read_steps(Fields& fields, Definition& definition);

// Only looks whether both are of the right kinds.
void check_steps(Fields& fields);

// The same where the steps come as a text of their own, which may be empty or `null`, and the bodies beside it. Bodies
// win over the steps' `data`. Code::invalid; the definition is then as it was.
Result<Done> parse_steps(std::string_view steps, std::vector<std::string> payloads, Definition& definition);

}  // namespace settle::dtm
