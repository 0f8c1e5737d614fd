#include "engine/runtime/topic_book.hpp"

#include <algorithm>
#include <utility>

namespace settle::runtime {
namespace {

constexpr std::size_t kReadAtOnce = 1'000;

Error broken() { return {Code::unavailable, "the store cannot be written at the moment, ask again"}; }

std::vector<std::string> urls_of(const std::vector<Subscriber>& subscribers) {
  std::vector<std::string> urls;
  urls.reserve(subscribers.size());
  for (const Subscriber& subscriber : subscribers) urls.push_back(subscriber.url);
  return urls;
}

}  // namespace

Result<Done> TopicBook::read(const Log& log) {
  TopicMap topics;
  std::string position;
  do {
    Result<KeyValuePage> page = store_.scan_key_values(std::string(kTopicCategory), position, kReadAtOnce);
    if (!page) return std::move(page.error());
    for (const KeyValue& stored : page.value().values) {
      const Result<std::vector<Subscriber>> subscribers = decode_subscribers(stored.value);
      if (subscribers) {
        topics[stored.key] = urls_of(subscribers.value());
      } else {
        log(LogLevel::error, "", "topic " + stored.key + ": " + subscribers.error().message);
      }
    }
    position = page.value().next_position;
  } while (!position.empty());
  const std::lock_guard lock(mutex_);
  topics_ = std::make_shared<const TopicMap>(std::move(topics));
  return Done{};
}

std::shared_ptr<const TopicMap> TopicBook::topics() const {
  const std::lock_guard lock(mutex_);
  return topics_;
}

Result<Done> TopicBook::subscribe(Committer& committer, const std::string& topic, const Subscriber& subscriber) {
  Result<Stored> stored = load(committer, topic);
  if (!stored) return std::move(stored.error());
  std::vector<Subscriber>& subscribers = stored.value().subscribers;
  const auto same = [&](const Subscriber& other) { return other.url == subscriber.url; };
  if (std::any_of(subscribers.begin(), subscribers.end(), same)) return Error{Code::conflict, "this url exists"};
  if (subscribers.size() == kTopicBranchesMax) {
    return Error{Code::invalid,
                 "topic: has " + std::to_string(kTopicBranchesMax) + " subscribers, more are not allowed"};
  }
  subscribers.push_back(subscriber);
  return store(committer, topic, stored.value());
}

Result<Done> TopicBook::unsubscribe(Committer& committer, const std::string& topic, const std::string& url) {
  Result<Stored> stored = load(committer, topic);
  if (!stored) return std::move(stored.error());
  if (stored.value().version == 0) return Error{Code::not_found, "no such a topic"};
  std::vector<Subscriber>& subscribers = stored.value().subscribers;
  if (subscribers.empty()) return Error{Code::not_found, "this topic is empty"};
  if (std::erase_if(subscribers, [&](const Subscriber& other) { return other.url == url; }) == 0) {
    return Error{Code::not_found, "no such an url"};
  }
  return store(committer, topic, stored.value());
}

Result<Done> TopicBook::remove(Committer& committer, const std::string& topic) {
  // What it holds does not matter: a damaged one can be removed, too.
  if (committer.broken()) return broken();
  const Result<std::optional<KeyValue>> stored = store_.load_key_value(std::string(kTopicCategory), topic);
  if (!stored) return stored.error();
  if (!stored.value()) {
    show(topic, nullptr);
    return Error{Code::not_found, "no such a topic"};
  }
  Result<Done> done = write(committer, {std::string(kTopicCategory), topic, std::nullopt, stored.value()->version, 0});
  if (done) show(topic, nullptr);
  return done;
}

// What is stored is shown, too: it may come from a write whose outcome was not known before.
Result<TopicBook::Stored> TopicBook::load(const Committer& committer, const std::string& topic) {
  if (committer.broken()) return broken();
  const Result<std::optional<KeyValue>> found = store_.load_key_value(std::string(kTopicCategory), topic);
  if (!found) return found.error();
  if (!found.value()) {
    show(topic, nullptr);
    return Stored{};
  }
  Result<std::vector<Subscriber>> subscribers = decode_subscribers(found.value()->value);
  if (!subscribers) return Error{subscribers.error().code, "topic " + topic + ": " + subscribers.error().message};
  show(topic, &subscribers.value());
  return Stored{found.value()->version, std::move(subscribers).value()};
}

Result<Done> TopicBook::store(Committer& committer, const std::string& topic, const Stored& stored) {
  Result<Done> done = write(committer, {std::string(kTopicCategory), topic, encode_subscribers(stored.subscribers),
                                        stored.version, clock_.now().wall_ms});
  if (done) show(topic, &stored.subscribers);
  return done;
}

Result<Done> TopicBook::write(Committer& committer, KeyValueChange change) {
  if (Result<Done> ok = store_.check(change); !ok) return ok;
  switch (committer.apply_key_value(change)) {
    case ChangeResult::applied:
      return Done{};
    case ChangeResult::exists:
    case ChangeResult::conflict:
      return Error{Code::conflict, "the topic was changed by another at the same time, try again"};
    case ChangeResult::failed:
      break;
  }
  return broken();
}

void TopicBook::show(const std::string& topic, const std::vector<Subscriber>* subscribers) {
  const std::lock_guard lock(mutex_);
  const auto shown = topics_->find(topic);
  const bool as_it_is = subscribers != nullptr ? shown != topics_->end() && shown->second == urls_of(*subscribers)
                                               : shown == topics_->end();
  if (as_it_is) return;
  auto changed = std::make_shared<TopicMap>(*topics_);
  if (subscribers != nullptr) {
    (*changed)[topic] = urls_of(*subscribers);
  } else {
    changed->erase(topic);
  }
  topics_ = std::move(changed);
}

}  // namespace settle::runtime
