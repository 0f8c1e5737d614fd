// The client's own data, of which some members are meant for us.
#pragma once

#include "settle/transaction.hpp"

namespace settle::dtm {

// Parses `definition.custom_data`, which must hold JSON where it is not empty, for what it says about a transaction of
// this type:
//   saga      {"concurrent":true,"orders":{"2":[0,1]}}
//   msg       {"delay":seconds}
//   workflow  {"name":"…","data":"base64"}
// `definition.type` must be set. Code::invalid, naming the member; the definition is then good for nothing.
Result<Done> parse_custom_data(Definition& definition);

}  // namespace settle::dtm
