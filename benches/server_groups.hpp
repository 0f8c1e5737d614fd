// How a server has written its changes, by its metrics.
#pragma once

#include <string_view>

#include "benches/socket.hpp"

namespace settle::bench {

// Since its start.
struct GroupCounts {
  double groups = 0;  // each a flush of the disk, or a commit of the database
  double changes = 0;
};

// Of a server that does not tell, such as DTM: none.
GroupCounts groups_of(const Address& server);

// In a text of metrics.
GroupCounts groups_in(std::string_view metrics);

}  // namespace settle::bench
