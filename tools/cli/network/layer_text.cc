// SPDX-License-Identifier: Apache-2.0
#include "cli/network/layer_text.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "formats/error.h"
#include "formats/text.h"

namespace dcf::tools {
namespace {

constexpr size_t kMaxLayerName = 128;

struct OpName {
  Op op;
  std::string_view name;
  bool one_d;
};
constexpr OpName kOps[] = {{Op::kLinear, "linear", false},   {Op::kConv, "conv", false},
                           {Op::kMaxPool, "maxpool", false}, {Op::kAvgPool, "avgpool", false},
                           {Op::kRelu, "relu", false},       {Op::kDropout, "dropout", false},
                           {Op::kConv, "conv1d", true},      {Op::kMaxPool, "maxpool1d", true},
                           {Op::kAvgPool, "avgpool1d", true}};

// The words of a layer's text, one after the other.
class Words {
 public:
  Words(const std::string& where, std::string_view text) : where_(where), rest_(text) { skip(); }

  bool done() const { return rest_.empty(); }

  std::string_view next(const char* what) {
    if (done()) throw_invalid(where_, std::string("lacks ") + what);
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    skip();
    return word;
  }

  uint64_t number(const char* what, uint64_t least) { return to_number(next(what), what, least); }

  uint64_t to_number(std::string_view word, const char* what, uint64_t least) const {
    uint64_t value = 0;
    const char* const end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc() || rest != end || value < least || value > kMaxLayerNumber) {
      throw_invalid(where_, "has " + quote(word) + " for " + what + ", not a whole number from " +
                                std::to_string(least) + " to " + std::to_string(kMaxLayerNumber));
    }
    return value;
  }

 private:
  void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  const std::string& where_;
  std::string_view rest_;
};

const OpName& parse_op(const std::string& where, std::string_view word) {
  const auto* const known = std::find_if(std::begin(kOps), std::end(kOps),
                                         [&](const OpName& op) { return op.name == word; });
  if (known == std::end(kOps)) {
    throw_invalid(where, "starts with " + quote(word) +
                             ", not linear, conv, maxpool, avgpool, conv1d, maxpool1d, avgpool1d, "
                             "relu or dropout");
  }
  return *known;
}

// Names become names of tensors and parts of the text, so they need no quoting in either.
std::string parse_name(const std::string& where, std::string_view word) {
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '/';
  });
  if (!plain || word.size() > kMaxLayerName) {
    throw_invalid(where, "has the name " + quote(word) +
                             ", where only up to 128 letters, digits and _ . - / are allowed");
  }
  return std::string(word);
}

void parse_kernel(const std::string& where, Words* words, Layer* layer) {
  if (layer->one_d) {
    layer->kernel_w = words->number("the size of its kernel", 1);
    return;
  }
  const std::string_view word = words->next("the size of its kernel");
  const size_t x = word.find('x');
  if (x == std::string_view::npos) {
    throw_invalid(where, "has " + quote(word) + " for the size of its kernel, not one such as 5x5");
  }
  layer->kernel_h = words->to_number(word.substr(0, x), "the height of its kernel", 1);
  layer->kernel_w = words->to_number(word.substr(x + 1), "the width of its kernel", 1);
}

struct LayerOption {
  std::string_view name;
  uint64_t Layer::*field;
  uint64_t least;
  bool conv_only;
};
constexpr LayerOption kOptions[] = {{"stride", &Layer::stride, 1, false},
                                    {"pad", &Layer::pad, 0, false},
                                    {"dilation", &Layer::dilation, 1, true},
                                    {"groups", &Layer::groups, 1, true}};

void parse_options(const std::string& where, Words* words, Layer* layer) {
  bool seen[std::size(kOptions)] = {};
  while (!words->done()) {
    const std::string_view word = words->next("an option");
    const auto* const option =
        std::find_if(std::begin(kOptions), std::end(kOptions), [&](const LayerOption& known) {
          return known.name == word && (layer->op == Op::kConv || !known.conv_only);
        });
    if (option == std::end(kOptions)) throw_invalid(where, "has no option " + quote(word));
    if (std::exchange(seen[option - kOptions], true)) {
      throw_invalid(where, "has " + std::string(word) + " twice");
    }
    layer->*option->field = words->number(option->name.data(), option->least);
  }
}

double parse_rate(const std::string& where, std::string_view word) {
  double rate = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, rate);
  if (error != std::errc() || rest != end || !(rate >= 0 && rate < 1)) {
    throw_invalid(where, "has " + quote(word) + " for its rate, not a number from 0 to below 1");
  }
  return rate;
}

// What the option is where it is left out.
uint64_t default_of(const Layer& layer, const LayerOption& option) {
  const bool pool = layer.op == Op::kMaxPool || layer.op == Op::kAvgPool;
  if (option.field == &Layer::stride && pool) return layer.kernel_w;
  return Layer().*option.field;
}

}  // namespace

Layer parse_layer(const std::string& where, std::string_view text) {
  Words words(where, text);
  Layer layer;
  const OpName& op = parse_op(where, words.next("an operation"));
  layer.op = op.op;
  layer.one_d = op.one_d;
  if (layer.has_weights()) {
    layer.name = parse_name(where, words.next("a name"));
    layer.out.channels = words.number("its number of outputs", 1);
  }
  switch (layer.op) {
    case Op::kConv:
      parse_kernel(where, &words, &layer);
      parse_options(where, &words, &layer);
      break;
    case Op::kMaxPool:
    case Op::kAvgPool:
      layer.kernel_w = layer.stride = words.number("the size of its window", 1);
      if (!layer.one_d) layer.kernel_h = layer.kernel_w;
      parse_options(where, &words, &layer);
      break;
    case Op::kDropout:
      layer.rate = parse_rate(where, words.next("its rate"));
      break;
    case Op::kLinear:
    case Op::kRelu:
      break;
  }
  if (!words.done()) throw_invalid(where, "goes on with " + quote(words.next("nothing")));
  return layer;
}

std::string layer_text(const Layer& layer) {
  const auto* const op = std::find_if(std::begin(kOps), std::end(kOps), [&](const OpName& known) {
    return known.op == layer.op && known.one_d == layer.one_d;
  });
  std::string text(op->name);
  const auto add = [&](std::string_view word) { text.append(" ").append(word); };
  if (layer.has_weights()) {
    add(layer.name);
    add(std::to_string(layer.out.channels));
  }
  if (layer.op == Op::kConv && !layer.one_d) {
    add(std::to_string(layer.kernel_h) + "x" + std::to_string(layer.kernel_w));
  } else if (layer.op == Op::kConv || layer.op == Op::kMaxPool || layer.op == Op::kAvgPool) {
    add(std::to_string(layer.kernel_w));
  }
  for (const LayerOption& option : kOptions) {
    if (layer.*option.field == default_of(layer, option)) continue;
    add(option.name);
    add(std::to_string(layer.*option.field));
  }
  return text;
}

}  // namespace dcf::tools
