// What etcd's answers say, whoever it was that answered: the target of a branch may name any host. Pure.
#pragma once

#include <cstdint>

#include "proto/etcd.pb.h"
#include "server/registry/address_book.hpp"

namespace settle::server {

// Everything under a key, by the answer to a question for it.
AddressSnapshot snapshot_of(const etcdserverpb::RangeResponse& response);

// One message of a watch that is neither its beginning nor its end.
AddressChanges changes_of(const etcdserverpb::WatchResponse& response);

// From where on a watch brings what is newer than this revision. 1 or more, for etcd takes 0 for now.
std::int64_t revision_behind(std::int64_t revision);

// How long a granted lease lasts: from a second to a day, whatever etcd says.
std::int64_t lease_ms_of(const etcdserverpb::LeaseGrantResponse& response);

}  // namespace settle::server
