#include <algorithm>

#include "storage/common/listing.hpp"
#include "storage/common/rows.hpp"
#include "storage/rocksdb/disk_store.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

// Small, so that the committer waits for no batch of a purge for long.
constexpr std::size_t kBatchTransactions = 128;
constexpr std::uint32_t kBatchKeys = 4'096;  // beyond it the transaction that is being purged is the last of its batch

// Ids grow with time but for a clock that was set back. After so many in a row that were created too late to be due,
// the rest is taken to be as young; one that is not is kept a while longer.
constexpr std::size_t kYoungInARow = 1024;

}  // namespace

// What one call of purge() is asked for and has come to.
struct DiskStore::PurgePass {
  std::int64_t finished_before_ms = 0;
  std::int64_t forgotten_before_ms = 0;
  std::int64_t now_ms = 0;
  std::size_t limit = 0;
  PurgeResult result;
  std::int64_t next_id = 0;          // finished ones from this id on are still to be looked at
  std::int64_t kept_id = INT64_MAX;  // the smallest that was not due yet
  std::size_t young = 0;             // how many in a row were too young
  bool at_end = false;
};

void DiskStore::lower_purge_start(std::int64_t id) {
  std::int64_t start = purge_start_;
  while (id < start && !purge_start_.compare_exchange_weak(start, id)) {
  }
}

Result<PurgeResult> DiskStore::purge(std::int64_t finished_before_ms, std::int64_t forgotten_before_ms,
                                     std::int64_t now_ms, std::size_t limit) {
  const std::lock_guard one_at_a_time(purge_mutex_);
  PurgePass pass;
  pass.finished_before_ms = finished_before_ms;
  pass.forgotten_before_ms = forgotten_before_ms;
  pass.now_ms = now_ms;
  pass.limit = limit;

  while (!pass.at_end && !pass.result.more) {
    if (auto forgot = forget_some(pass); !forgot) return forgot.error();
  }
  if (pass.result.more) return pass.result;

  // Whoever finishes from now on with a smaller id lowers the start again.
  pass.next_id = purge_start_.exchange(INT64_MAX);
  const std::int64_t begun_at = pass.next_id;
  pass.at_end = false;
  while (!pass.at_end && !pass.result.more) {
    if (auto purged = purge_some(pass); !purged) {
      lower_purge_start(begun_at);
      return purged.error();
    }
  }
  lower_purge_start(std::min(pass.kept_id, pass.next_id));
  return pass.result;
}

Result<Done> DiskStore::forget_some(PurgePass& pass) {
  const std::shared_lock lock(database_mutex_);
  if (auto open = check_open(); !open) return open;
  const KindRange range(KeyKind::purge_time);
  const std::unique_ptr<::rocksdb::Iterator> at(database_->NewIterator(range.read_options()));
  ::rocksdb::WriteBatch batch;
  std::size_t forgotten = 0;
  for (at->SeekToFirst(); forgotten < kBatchTransactions; at->Next()) {
    const auto key = at->Valid() ? parse_purge_time_key(view(at->key())) : std::nullopt;
    if (!key || key->time_ms >= pass.forgotten_before_ms) {
      pass.at_end = true;
      break;
    }
    if (pass.result.forgotten + forgotten == pass.limit) {
      pass.result.more = true;
      break;
    }
    batch.Delete(gid_key(key->gid));
    batch.Delete(at->key());
    ++forgotten;
  }
  if (!at->status().ok()) return failure(at->status());
  if (auto written = write_purge(batch); !written) return written;
  pass.result.forgotten += forgotten;
  return Done{};
}

Result<Done> DiskStore::purge_some(PurgePass& pass) {
  const std::shared_lock lock(database_mutex_);
  if (auto open = check_open(); !open) return open;
  const KindRange range(KeyKind::finished);
  const std::unique_ptr<::rocksdb::Iterator> at(database_->NewIterator(range.read_options()));
  ::rocksdb::WriteBatch batch;
  std::size_t purged = 0;
  for (at->Seek(finished_key(pass.next_id)); purged < kBatchTransactions && batch.Count() < kBatchKeys; at->Next()) {
    const auto id = at->Valid() ? id_of(KeyKind::finished, view(at->key())) : std::nullopt;
    if (!id || pass.young == kYoungInARow) {
      pass.at_end = true;
      break;
    }
    pass.next_id = *id;
    // A damaged one is kept: it can be shown and repaired by hand, a removed one cannot.
    const auto decoded = decode_state(view(at->key()), view(at->value()));
    if (!decoded || finished_at_ms(decoded.value().state) >= pass.finished_before_ms) {
      if (decoded) pass.kept_id = std::min(pass.kept_id, *id);
      pass.young = decoded && decoded.value().create_time_ms >= pass.finished_before_ms ? pass.young + 1 : 0;
      continue;
    }
    if (pass.result.purged + purged == pass.limit) {
      pass.result.more = true;
      break;
    }
    const StateRecord& record = decoded.value();
    const std::string gid = gid_key(record.gid);
    batch.Put(gid, encode_purged(gid, record.state.status, pass.now_ms));
    batch.Put(purge_time_key(pass.now_ms, record.gid), ::rocksdb::Slice());
    batch.Delete(at->key());
    const std::size_t rows = row_count(record.type, record.branch_count, record.registration_count);
    for (std::uint32_t row = kBranchRunLength; row < rows; row += kBranchRunLength) batch.Delete(run_key(*id, row));
    for (std::uint32_t number = 0; number < record.registration_count; ++number) {
      batch.Delete(registration_key(*id, number));
    }
    pass.young = 0;
    ++purged;
  }
  if (!at->status().ok()) return failure(at->status());
  if (purged > 0) {
    const std::string mark = next_id_key();
    batch.Put(mark, encode_number(mark, next_id_));
  }
  if (auto written = write_purge(batch); !written) return written;
  pass.result.purged += purged;
  return Done{};
}

Result<Done> DiskStore::write_purge(::rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return Done{};
  // A store that failed to write must not be written to before it was repaired: what failed could come in between.
  if (broken_) return Error{Code::unavailable, "store folder " + options_.path + ": waits for repair"};
  const auto status = write(batch);
  if (status.ok()) return Done{};
  broken_ = true;
  return failure(status);
}

}  // namespace settle
