// The client's own data, of which some members are meant for us.
#pragma once

#include "settle/transaction.hpp"
#include "transports/dtm/json.hpp"

namespace settle::dtm {

// Reads `custom_data`, which must hold JSON where it is given, and what it says about a transaction of this type:
//   saga      {"concurrent":true,"orders":{"2":[0,1]}}
//   msg       {"delay":seconds}
//   workflow  {"name":"…","data":"base64"}
// `definition.type` must be set. What is wrong is remembered by `fields`.
void read_custom_data(Fields& fields, Definition& definition);

}  // namespace settle::dtm
