#include "sim/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

namespace settle::sim {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kNothing = "none";
constexpr const char* kCheckLedger = "check-ledger";

// What is wrong with the command line.
struct Complaint {
  std::string text;
};

std::uint64_t number_of(std::string_view text, const char* option) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Complaint{std::string("--") + option + ": must be a number, is '" + std::string(text) + "'"};
  }
  return number;
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  if (list == kNothing) return words;
  std::istringstream rest(list);
  for (std::string word; std::getline(rest, word, ',');) words.push_back(word);
  return words;
}

std::optional<std::vector<int>> numbers_of(const po::variables_map& values, const char* option) {
  if (values.count(option) == 0) return std::nullopt;
  std::vector<int> numbers;
  for (const std::string& word : words_of(values[option].as<std::string>())) {
    numbers.push_back(static_cast<int>(number_of(word, option)));
  }
  return numbers;
}

std::optional<std::vector<Fault>> faults_of(const po::variables_map& values) {
  if (values.count("faults") == 0) return std::nullopt;
  std::vector<Fault> faults;
  for (const std::string& word : words_of(values["faults"].as<std::string>())) {
    const std::optional<Fault> fault = parse_fault(word);
    if (!fault) throw Complaint{"--faults: no such fault: '" + word + "'; --list tells all"};
    faults.push_back(*fault);
  }
  return faults;
}

void read_seeds(const po::variables_map& values, SimOptions& options) {
  if (values.count("seed") + values.count("seeds") != 1) {
    throw Complaint{"give --seed N, --seeds A..B or --check-ledger FILE"};
  }
  options.single = values.count("seed") > 0;
  if (options.single) {
    options.first_seed = options.last_seed = number_of(values["seed"].as<std::string>(), "seed");
    return;
  }
  const auto text = values["seeds"].as<std::string>();
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) throw Complaint{"--seeds: must be A..B, is '" + text + "'"};
  options.first_seed = number_of(std::string_view(text).substr(0, dots), "seeds");
  options.last_seed = number_of(std::string_view(text).substr(dots + 2), "seeds");
  if (options.last_seed < options.first_seed) throw Complaint{"--seeds: the last is before the first: '" + text + "'"};
}

// Nothing that is about runs goes with it.
SimOptions ledger_of(const po::variables_map& values) {
  for (const auto& [name, value] : values) {
    if (name != kCheckLedger && !value.defaulted()) throw Complaint{"--check-ledger: does not go with --" + name};
  }
  SimOptions options;
  options.ledger = values[kCheckLedger].as<std::string>();
  if (options.ledger.empty()) throw Complaint{"--check-ledger: must be a file"};
  return options;
}

SimOptions options_of(const po::variables_map& values) {
  if (values.count(kCheckLedger) > 0) return ledger_of(values);
  SimOptions options;
  read_seeds(values, options);
  options.jobs = number_of(values["jobs"].as<std::string>(), "jobs");
  if (options.jobs == 0) options.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.trace = values.count("trace") > 0;
  options.minimise = values.count("minimise") > 0;
  options.twice = options.single || values.count("twice") > 0;
  options.first_only = values.count("first") > 0;
  if ((options.trace || options.minimise) && !options.single) throw Complaint{"--trace and --minimise need --seed"};
  options.selection = {faults_of(values), numbers_of(values, "transactions"), numbers_of(values, "incidents")};
  if (values.count("plant") == 0) return options;
  options.plant_name = values["plant"].as<std::string>();
  const std::optional<WrapperPlant> planted = plant(options.plant_name);
  if (!planted) {
    throw Complaint{plant_names().empty() ? "--plant: only settle-sim-planted has planted faults"
                                          : "--plant: no such one: '" + options.plant_name + "'; --list tells all"};
  }
  options.plant = *planted;
  return options;
}

void print_list() {
  std::puts("faults:");
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    std::printf("  %s\n", std::string(to_string(static_cast<Fault>(i))).c_str());
  }
  if (!plant_names().empty()) std::puts("plants:");
  for (const std::string_view name : plant_names()) std::printf("  %s\n", std::string(name).c_str());
}

template <class T, class Name>
std::string joined(const char* option, const std::optional<std::vector<T>>& list, Name name) {
  if (!list) return {};
  std::string text;
  for (const T& each : *list) text += (text.empty() ? "" : ",") + name(each);
  return std::string(" --") + option + " " + (text.empty() ? std::string(kNothing) : text);
}

}  // namespace

std::variant<SimOptions, int> parse_options(const std::vector<std::string>& arguments) {
  po::options_description all("usage: settle-sim --seed N | --seeds A..B | --check-ledger FILE [OPTIONS]");
  const auto text = [] { return po::value<std::string>(); };
  all.add_options()("seed", text(), "run this one, twice, and tell whether both went the same way")(
      "seeds", text(), "A..B: run all of these")("jobs", text()->default_value("1"),
                                                 "so many at once; 0: one for each processor")(
      "first", "end at the first seed that finds something")("twice", "run each seed twice and compare")(
      "trace", "print the timeline of the whole run")("minimise", "leave out whatever is not needed to find the same")(
      "faults", text(), "leave out all faults but these: a list with commas, or none")(
      "transactions", text(), "the same for transactions, by number")("incidents", text(),
                                                                      "the same for incidents, by number")(
      kCheckLedger, text(), "hold what clients and participants of a real settled noted against the same rules")(
      "plant", text(), "plant this fault (settle-sim-planted alone)")("list", "print what faults and plants there are")(
      "help,h", "print this");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(arguments).options(all).positional({}).run(), values);
    if (values.count("help") > 0) {
      std::ostringstream help;
      help << all << "\nStatus: 0 nothing found, 1 something found, 2 a wrong command line.\n";
      std::fputs(help.str().c_str(), stdout);
      return kExitFine;
    }
    if (values.count("list") > 0) {
      print_list();
      return kExitFine;
    }
    po::notify(values);
    return options_of(values);
  } catch (const po::error& error) {
    std::fprintf(stderr, "settle-sim: %s\n", error.what());
  } catch (const Complaint& complaint) {
    std::fprintf(stderr, "settle-sim: %s\n", complaint.text.c_str());
  }
  return kExitUsage;
}

std::string replay_command(std::uint64_t seed, const Selection& selection, const std::string& plant_name) {
  const auto number = [](int value) { return std::to_string(value); };
  std::string command = plant_name.empty() ? "settle-sim" : "settle-sim-planted --plant " + plant_name;
  command += " --seed " + std::to_string(seed);
  command += joined("faults", selection.faults, [](Fault fault) { return std::string(to_string(fault)); });
  command += joined("transactions", selection.transactions, number);
  return command + joined("incidents", selection.incidents, number);
}

}  // namespace settle::sim
