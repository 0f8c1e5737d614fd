#include <utility>

#include "storage/common/listing.hpp"
#include "storage/rocksdb/disk_store.hpp"
#include "storage/rocksdb/disk_store_view.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {

ChangeResult DiskStore::apply_key_value(const KeyValueChange& change) {
  if (broken_) return ChangeResult::failed;
  const auto stored = View(*this).key_value(change.category, change.key);
  if (!stored && stored.error().code == Code::internal) {
    return ChangeResult::conflict;  // damaged: never changed; who loads it is told
  }
  if (!stored) {
    broken_ = true;
    return ChangeResult::failed;
  }
  const std::int64_t version = stored.value() ? stored.value()->version : 0;
  if (version != change.expected_version) return ChangeResult::conflict;
  if (!stored.value() && !change.value) return ChangeResult::applied;  // nothing to remove
  ::rocksdb::WriteBatch batch;
  put_key_value(batch, change, stored.value());
  if (write(batch).ok()) return ChangeResult::applied;
  broken_ = true;
  return ChangeResult::failed;
}

void DiskStore::put_key_value(::rocksdb::WriteBatch& batch, const KeyValueChange& change,
                              const std::optional<KeyValue>& stored) {
  const std::string name = key_value_name_key(change.category, change.key);
  if (!change.value) {
    batch.Delete(name);
    batch.Delete(key_value_key(stored->id));
    return;
  }
  KeyValue next;
  if (stored) {
    next = *stored;
  } else {
    next.id = next_key_value_id_++;
    next.create_time_ms = change.now_ms;
    next.category = change.category;
    next.key = change.key;
    batch.Put(name, encode_number(name, next.id));
    const std::string mark = next_key_value_id_key();
    batch.Put(mark, encode_number(mark, next_key_value_id_));
  }
  next.update_time_ms = change.now_ms;
  next.value = *change.value;
  ++next.version;
  const std::string key = key_value_key(next.id);
  batch.Put(key, encode_key_value(key, next));
}

Result<std::optional<KeyValue>> DiskStore::load_key_value(const std::string& category, const std::string& key) {
  const std::shared_lock lock(database_mutex_);
  if (const auto open = check_open(); !open) return open.error();
  return View(*this).key_value(category, key);
}

Result<KeyValuePage> DiskStore::scan_key_values(const std::string& category, const std::string& position,
                                                std::size_t limit) {
  const auto below = parse_position(kKeyValuePosition, position);
  if (!below) return below.error();
  const std::shared_lock lock(database_mutex_);
  if (const auto open = check_open(); !open) return open.error();
  const KindRange range(KeyKind::key_value);
  const std::unique_ptr<::rocksdb::Iterator> at(database_->NewIterator(range.read_options()));
  KeyValuePage page;
  for (at->SeekForPrev(key_value_key(below.value() - 1)); at->Valid(); at->Prev()) {
    auto found = decode_key_value(view(at->key()), view(at->value()));
    if (!found) return found.error();
    if (!category.empty() && found.value().category != category) continue;
    if (page.values.size() == limit) {
      page.next_position = position_after(kKeyValuePosition, page.values.back().id);
      break;
    }
    page.values.push_back(std::move(found.value()));
  }
  if (!at->status().ok()) return failure(at->status());
  return page;
}

}  // namespace settle
