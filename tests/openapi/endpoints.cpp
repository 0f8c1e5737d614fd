// Prints everything that the API of settled offers, a line each: "POST /api/dtmsvr/submit".
#include <cstdio>

#include "settle/dtm/api.hpp"

int main() {
  for (const std::string& endpoint : settle::dtm::Api::endpoints()) std::puts(endpoint.c_str());
  return 0;
}
