#include "settle/topics.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace settle {
namespace {

namespace json = boost::json;

// The urls that the row stands for: its own, or those of its topic.
class RowUrls {
 public:
  RowUrls(const std::string& url, const TopicMap& topics) : own_(url) {
    is_topic_ = url.starts_with(kTopicScheme);
    if (!is_topic_) return;
    const auto found = topics.find(name());
    if (found != topics.end()) subscribed_ = &found->second;
  }

  std::string name() const { return own_.substr(kTopicScheme.size()); }
  std::size_t size() const { return !is_topic_ ? 1 : subscribed_ != nullptr ? subscribed_->size() : 0; }
  const std::string& operator[](std::size_t place) const { return is_topic_ ? (*subscribed_)[place] : own_; }

 private:
  const std::string& own_;
  bool is_topic_ = false;
  const std::vector<std::string>* subscribed_ = nullptr;
};

// Looks before anything is copied: few rows may stand for very many.
Result<std::size_t> count_rows(const Definition& definition, const TopicMap& topics) {
  std::size_t rows = 0;
  for (const BranchDefinition& branch : definition.branches) {
    const RowUrls urls(branch.url, topics);
    if (urls.size() == 0) return Error{Code::not_found, "topic not found: " + urls.name()};
    if (urls.size() > kTopicBranchesMax) {
      return Error{Code::invalid, "topic " + urls.name() + ": has " + std::to_string(urls.size()) +
                                      " subscribers, at most " + std::to_string(kTopicBranchesMax) + " are allowed"};
    }
    rows += urls.size();
  }
  if (rows <= kBranchesMax) return rows;
  return Error{Code::invalid, "steps: with the subscribers of their topics they make " + std::to_string(rows) +
                                  " calls, at most " + std::to_string(kBranchesMax) + " are allowed"};
}

std::string subscriber_branch_id(const std::string& branch_id, std::size_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "-%02zu", number);
  return branch_id + text;
}

}  // namespace

Result<Done> expand_topics(Definition& definition, const TopicMap& topics) {
  const auto rows = count_rows(definition, topics);
  if (!rows) return rows.error();
  std::vector<BranchDefinition> expanded;
  expanded.reserve(rows.value());
  for (const BranchDefinition& branch : definition.branches) {
    const RowUrls urls(branch.url, topics);
    for (std::size_t place = 0; place < urls.size(); ++place) {
      BranchDefinition& row = expanded.emplace_back(branch);
      row.url = urls[place];
      if (urls.size() > 1) row.branch_id = subscriber_branch_id(branch.branch_id, place + 1);
    }
  }
  definition.branches = std::move(expanded);
  return Done{};
}

std::string encode_subscribers(const std::vector<Subscriber>& subscribers) {
  json::array list;
  list.reserve(subscribers.size());
  for (const Subscriber& subscriber : subscribers) {
    list.push_back(json::object{{"url", subscriber.url}, {"remark", subscriber.remark}});
  }
  return json::serialize(list);
}

Result<std::vector<Subscriber>> decode_subscribers(std::string_view text) {
  const Error damaged{Code::internal, "damaged topic: its subscribers are not a list of url and remark"};
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // a url is kept as it came
  json::error_code failed;
  const json::value parsed = json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed || !parsed.is_array()) return damaged;
  std::vector<Subscriber> subscribers;
  for (const json::value& element : parsed.get_array()) {
    const json::object* const object = element.if_object();
    if (object == nullptr || object->size() != 2) return damaged;
    const json::value* const url = object->if_contains("url");
    const json::value* const remark = object->if_contains("remark");
    if (url == nullptr || remark == nullptr || !url->is_string() || !remark->is_string()) return damaged;
    const json::string& url_text = url->get_string();
    const json::string& remark_text = remark->get_string();
    subscribers.push_back({{url_text.data(), url_text.size()}, {remark_text.data(), remark_text.size()}});
  }
  return subscribers;
}

}  // namespace settle
