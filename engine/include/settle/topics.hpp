// Topics: names that stand for the urls of those who subscribed (protocol.md §5.4).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "settle/result.hpp"
#include "settle/transaction.hpp"

namespace settle {

inline constexpr std::string_view kTopicScheme = "topic://";
inline constexpr std::string_view kTopicCategory = "topics";  // of the key-values that hold them

struct Subscriber {
  std::string url;
  std::string remark;
  bool operator==(const Subscriber&) const = default;
};

// Every topic with the urls of its subscribers, in the order in which they subscribed.
using TopicMap = std::unordered_map<std::string, std::vector<std::string>>;

// Puts, for each row of a message with the url `topic://NAME`, one row for each subscriber: "01" where there is one,
// "01-01", "01-02", … where there are more, with the same payload. Nobody subscribed: Code::not_found `topic not found:
// NAME`. More than kTopicBranchesMax for a topic, or more than kBranchesMax rows: Code::invalid. The definition is then
// as it was.
Result<Done> expand_topics(Definition& definition, const TopicMap& topics);

// A topic as it is stored: [{"url":"…","remark":"…"}], both always there.
std::string encode_subscribers(const std::vector<Subscriber>& subscribers);
// Code::internal where the text is something else.
Result<std::vector<Subscriber>> decode_subscribers(std::string_view text);

}  // namespace settle
