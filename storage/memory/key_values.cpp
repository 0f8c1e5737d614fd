#include "storage/memory/key_values.hpp"

#include <iterator>

#include "storage/common/listing.hpp"

namespace settle {

ChangeResult KeyValues::apply(const KeyValueChange& change) {
  const auto name = std::pair(change.category, change.key);
  const auto found = ids_.find(name);
  if (found == ids_.end()) {
    if (change.expected_version != 0) return ChangeResult::conflict;
    if (!change.value) return ChangeResult::applied;
    const std::int64_t id = next_id_++;
    by_id_[id] = {id, change.now_ms, change.now_ms, change.category, change.key, *change.value, 1};
    ids_.emplace(name, id);
    return ChangeResult::applied;
  }
  KeyValue& stored = by_id_.at(found->second);
  if (stored.version != change.expected_version) return ChangeResult::conflict;
  if (!change.value) {
    by_id_.erase(found->second);
    ids_.erase(found);
    return ChangeResult::applied;
  }
  stored.update_time_ms = change.now_ms;
  stored.value = *change.value;
  ++stored.version;
  return ChangeResult::applied;
}

std::optional<KeyValue> KeyValues::load(const std::string& category, const std::string& key) const {
  const auto found = ids_.find({category, key});
  if (found == ids_.end()) return std::nullopt;
  return by_id_.at(found->second);
}

Result<KeyValuePage> KeyValues::scan(const std::string& category, const std::string& position,
                                     std::size_t limit) const {
  const auto below = parse_position(kKeyValuePosition, position);
  if (!below) return below.error();
  KeyValuePage page;
  for (auto at = std::make_reverse_iterator(by_id_.lower_bound(below.value())); at != by_id_.rend(); ++at) {
    if (!category.empty() && at->second.category != category) continue;
    if (page.values.size() == limit) {
      page.next_position = position_after(kKeyValuePosition, page.values.back().id);
      break;
    }
    page.values.push_back(at->second);
  }
  return page;
}

}  // namespace settle
