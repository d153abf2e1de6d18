// SPDX-License-Identifier: Apache-2.0
#include "format/encoding.h"

#include <algorithm>

#include "base/bucket.h"

namespace dcf::impl::format {
namespace {

constexpr uint32_t kCountsAlphabet = kCountBuckets.alphabet(kCountBits);

// Of int and of delta values.
uint32_t int_alphabet(uint32_t bits) {
  switch (bits) {
    case 8:
      return 256;
    case 16:
    case 32:
      return kIntBuckets.alphabet(bits);
    default:
      return kInt64Buckets.alphabet(64);
  }
}

Status manifest_error(const char* rule, const char* message) {
  return fail(Code::BadManifest, rule, message);
}

Status check_classes(const Encoding& e, uint64_t elements) {
  if (e.values == Values::kRaw || e.has_codebook()) {
    return manifest_error("M-14", "raw values, palettes and dictionaries have no classes");
  }
  if (e.classes < 2 || e.classes > kMaxClasses || e.class_run < 1 || e.class_units < 2 ||
      e.class_units > kMaxClassUnits || uint64_t{e.class_run} * e.class_units > elements) {
    return manifest_error("P-07", "the parameters of the classes are out of range");
  }
  return ok_status();
}

Status check_grid(const Encoding& e, DType dtype, uint64_t elements) {
  if (dtype != DType::kF32 && dtype != DType::kF16 && dtype != DType::kBF16) {
    return manifest_error("M-14", "grid and trellis values need f32, f16 or bf16");
  }
  if (e.is_sparse()) {
    return manifest_error("M-14", "grid and trellis values go with dense positions only");
  }
  if (e.grid_run < 1 || e.grid_units < 1 || uint64_t{e.grid_run} * e.grid_units > elements) {
    return manifest_error("V-04", "the parameters of a grid are out of range");
  }
  return ok_status();
}

Status check_delta(const Encoding& e, uint64_t elements) {
  if (e.is_sparse()) return manifest_error("M-14", "delta values go with dense positions only");
  bool in_range = e.distance_count >= 1 && e.distance_count <= kMaxDistances && e.delta_run >= 1 &&
                  e.delta_units >= 1 && e.delta_units <= kMaxClassUnits &&
                  uint64_t{e.delta_run} * e.delta_units <= elements;
  for (size_t i = 0; in_range && i < e.distance_count; ++i) {
    in_range = e.distances[i] >= 1 && e.distances[i] < kMaxDenseViewCols;
  }
  return in_range ? ok_status()
                  : manifest_error("P-08", "the parameters of delta values are out of range");
}

// Calls `visit` for each parameter, as they are stored (section 4.5): a ParamReader with an
// encoding that has no parameters yet, or a ParamWriter.
template <typename E, typename Visitor>
void visit_params(E& e, Visitor& visit) {
  if (e.positions == Positions::kGap) visit.template number<uint8_t>(e.gap_bits);
  if (e.positions == Positions::kGapBucket) visit.nibbles(e.bucket_t, e.bucket_s);
  if (e.is_sparse()) visit.flag(e.signs);
  if (e.has_classes()) {
    visit.template less_one<uint8_t>(e.classes);
    visit.template number<uint32_t>(e.class_run);
    visit.template number<uint32_t>(e.class_units);
  }
  switch (e.values) {
    case Values::kRaw:
    case Values::kInt:
      break;
    case Values::kPalette:
      visit.template less_one<uint8_t>(e.palette_size);
      break;
    case Values::kDictionary:
      visit.template less_one<uint16_t>(e.palette_size);
      break;
    case Values::kGrid:
    case Values::kTrellis:
      visit.template number<uint32_t>(e.grid_run);
      visit.template number<uint32_t>(e.grid_units);
      break;
    case Values::kSplit:
    case Values::kClassSplit:
      visit.template number<uint8_t>(e.split_t);
      if (e.values == Values::kSplit) {
        visit.template number<uint8_t>(e.split_z);
      } else {
        // Too many classes break P-07, which needs no more parameters.
        for (size_t c = 0; c < std::min<size_t>(e.classes, kMaxClasses); ++c) {
          visit.template number<uint8_t>(e.class_z[c]);
        }
      }
      visit.template number<uint16_t>(e.split_base);
      visit.template less_one<uint8_t>(e.split_symbols);
      break;
    case Values::kDelta:
      visit.count(e.distance_count);
      for (size_t i = 0; i < e.distance_count; ++i) {
        visit.template number<uint32_t>(e.distances[i]);
      }
      visit.template number<uint32_t>(e.delta_run);
      visit.template number<uint32_t>(e.delta_units);
      break;
  }
}

// Changes nothing after the first failure.
class ParamReader {
 public:
  explicit ParamReader(ByteReader* in) : in_(*in) {}

  template <typename Stored, typename T>
  void number(T& field) {
    Bytes bytes;
    if (!status_.ok()) return;
    if (in_.read_bytes(sizeof(Stored), &bytes)) {
      field = load_le<Stored>(bytes.data());
    } else {
      status_ = manifest_error("M-03", "the parameters end too early");
    }
  }
  template <typename Stored, typename T>
  void less_one(T& field) {
    uint32_t stored = 0;
    number<Stored>(stored);
    if (status_.ok()) field = static_cast<T>(stored + 1);
  }
  void nibbles(uint8_t& low, uint8_t& high) {
    uint8_t both = 0;
    number<uint8_t>(both);
    low = both & 15;
    high = both >> 4;
  }
  void flag(bool& field) {
    uint8_t stored = 0;
    number<uint8_t>(stored);
    if (stored > 1) status_ = manifest_error("P-01", "the signs parameter is not 0 or 1");
    field = stored == 1;
  }
  // Of distances.
  void count(uint8_t& field) {
    uint8_t stored = 0;
    number<uint8_t>(stored);
    if (stored <= kMaxDistances) {
      field = stored;
    } else {
      status_ = manifest_error("P-08", "there are too many distances");
    }
  }
  const Status& status() const { return status_; }

 private:
  ByteReader& in_;
  Status status_;
};

class ParamWriter {
 public:
  explicit ParamWriter(std::vector<uint8_t>* out) : out_(*out) {}

  template <typename Stored, typename T>
  void number(const T& field) {
    const size_t at = out_.size();
    out_.resize(at + sizeof(Stored));
    store_le(out_.data() + at, static_cast<Stored>(field));
  }
  template <typename Stored, typename T>
  void less_one(const T& field) {
    number<Stored>(field - 1);
  }
  void nibbles(uint8_t low, uint8_t high) { number<uint8_t>(low | high << 4); }
  void flag(bool field) { number<uint8_t>(field); }
  void count(uint8_t field) { number<uint8_t>(field); }

 private:
  std::vector<uint8_t>& out_;
};

}  // namespace

const char* positions_name(Positions positions) {
  switch (positions) {
    case Positions::kDense:
      return "dense";
    case Positions::kBitmap:
      return "bitmap";
    case Positions::kGap:
      return "gap";
    case Positions::kGapBucket:
      return "gap-bucket";
  }
  return "";
}

const char* values_name(Values values) {
  switch (values) {
    case Values::kRaw:
      return "raw";
    case Values::kPalette:
      return "palette";
    case Values::kGrid:
      return "grid";
    case Values::kSplit:
      return "split";
    case Values::kInt:
      return "int";
    case Values::kDelta:
      return "delta";
    case Values::kDictionary:
      return "dictionary";
    case Values::kClassSplit:
      return "class-split";
    case Values::kTrellis:
      return "trellis";
  }
  return "";
}

uint8_t encoding_id(const Encoding& e) {
  const uint8_t positions = e.has_classes() ? kClassesId : static_cast<uint8_t>(e.positions);
  return static_cast<uint8_t>(positions | static_cast<uint8_t>(e.values) << 4);
}

Encoding encoding_of(uint8_t id) {
  Encoding e;
  e.positions = static_cast<Positions>(id & 15);
  if ((id & 15) == kClassesId) {
    e.positions = Positions::kDense;
    e.classes = 1;  // until the parameters are read
  }
  e.values = static_cast<Values>(id >> 4);
  return e;
}

Status read_params(ByteReader* in, Encoding* encoding) {
  ParamReader reader(in);
  visit_params(*encoding, reader);
  return reader.status();
}

void append_params(const Encoding& encoding, std::vector<uint8_t>* out) {
  ParamWriter writer(out);
  visit_params(encoding, writer);
}

size_t Roles::find(Role role) const {
  size_t i = 0;
  while (i < count && list[i].role != role) ++i;
  return i;
}

Roles roles_of(const Encoding& e, DType dtype) {
  Roles roles;
  const auto add = [&](Role role, uint32_t alphabet) {
    roles.list[roles.count++] = {role, alphabet};
  };
  switch (e.positions) {
    case Positions::kDense:
      break;
    case Positions::kBitmap:
      add(Role::kBitmap, 256);
      break;
    case Positions::kGap:
      add(Role::kCounts, kCountsAlphabet);
      add(Role::kGaps, 1u << e.gap_bits);
      break;
    case Positions::kGapBucket:
      add(Role::kCounts, kCountsAlphabet);
      add(Role::kGaps, BucketCode{e.bucket_t, e.bucket_s}.alphabet(kGapBits));
      break;
  }
  if (e.signs) add(Role::kSigns, 256);
  if (e.has_classes()) add(Role::kClasses, e.classes);
  const unsigned copies = std::max<unsigned>(e.classes, 1);
  const auto add_values = [&](uint32_t alphabet) {
    for (unsigned i = 0; i < copies; ++i) add(Role::kValues, alphabet);
  };
  switch (e.values) {
    case Values::kRaw:
      break;
    case Values::kGrid:
      add_values(kIntBuckets.alphabet(32));
      break;
    case Values::kTrellis:
      add_values(kIntBuckets.alphabet(kTrellisBits));
      break;
    case Values::kPalette:
      add_values(e.palette_size + (e.positions == Positions::kGap ? 1u : 0u));
      break;
    case Values::kSplit:
    case Values::kClassSplit:
      add_values(e.split_symbols);
      break;
    case Values::kDictionary:
      add_values(((e.palette_size - 1) >> e.index_bits()) + 1);
      break;
    case Values::kInt:
      add_values(int_alphabet(dtype_bits(dtype)));
      break;
    case Values::kDelta:
      add(Role::kPredictors, e.distance_count + 1u);
      add_values(int_alphabet(dtype_bits(dtype)));
      break;
  }
  return roles;
}

uint32_t features_of(const Encoding& e, DType dtype) {
  uint32_t features = e.has_classes() ? kClassMaps : 0;
  const bool wide_classes = e.has_classes() && e.values == Values::kInt && dtype_bits(dtype) > 8;
  if (e.values == Values::kGrid) features |= kGridValues;
  if (e.values == Values::kDelta || wide_classes) features |= kDeltaValues;
  if (e.values == Values::kDictionary) features |= kDictionaries;
  if (e.values == Values::kClassSplit) features |= kClassZeros;
  if (e.values == Values::kTrellis) features |= kTrellisValues;
  return features;
}

Status check_encoding_ids(const Encoding& e) {
  if (e.positions > Positions::kGapBucket || e.values > Values::kTrellis) {
    return fail(Code::UnsupportedEncoding, "M-12", "the tensor has an unknown encoding");
  }
  return ok_status();
}

Status check_encoding(const Encoding& e, DType dtype, uint64_t elements) {
  DCF_TRY(check_encoding_ids(e));
  if (e.is_raw() && e.is_sparse())
    return manifest_error("M-14", "raw values go with dense positions only");
  if (!e.is_raw() && (elements == 0 || is_raw_only(dtype))) {
    return manifest_error("M-14", "the tensor must be stored raw");
  }
  const uint32_t bits = dtype_bits(dtype);
  if (e.positions == Positions::kGap && (e.gap_bits < 2 || e.gap_bits > 8)) {
    return manifest_error("P-01", "the gap width is not 2 to 8 bits");
  }
  if (e.positions == Positions::kGapBucket &&
      (e.bucket_t < 2 || e.bucket_t > 7 || e.bucket_s > 2)) {
    return manifest_error("P-01", "gap-bucket parameters are out of range");
  }
  if (e.signs && !has_negative_zero(dtype)) return manifest_error("P-01", "the dtype has no -0");
  if (e.has_classes()) DCF_TRY(check_classes(e, elements));
  switch (e.values) {
    case Values::kRaw:
      break;
    case Values::kGrid:
    case Values::kTrellis:
      DCF_TRY(check_grid(e, dtype, elements));
      break;
    case Values::kPalette:
      if (e.palette_size < 1 || e.palette_size > 256 ||
          (e.positions == Positions::kGap && e.palette_size > 255)) {
        return manifest_error("V-01", "the codebook has too many entries for its positions");
      }
      break;
    case Values::kDictionary:
      if (e.is_sparse() || bits < 16)
        return manifest_error("M-14",
                              "dictionaries need dense positions and a dtype of 16 bits or more");
      if (e.palette_size <= 256 || e.palette_size > kMaxDictionary)
        return manifest_error("V-01", "the dictionary has too few or too many words");
      break;
    case Values::kSplit:
    case Values::kClassSplit:
      if (!is_float(dtype) || is_f8(dtype))
        return manifest_error("M-14", "split values need a float dtype of 16 bits or more");
      if (e.values == Values::kClassSplit && !e.has_classes())
        return manifest_error("M-14", "zero bits by class need classes");
      if (e.split_t < 5 || e.split_t > std::min(12u, bits - 1) || e.split_symbols < 1 ||
          e.split_symbols > 256 || uint32_t{e.split_base} + e.split_symbols > (1u << e.split_t)) {
        return manifest_error("V-01", "split parameters are out of range");
      }
      for (size_t c = 0; c < std::max<size_t>(e.classes, 1); ++c) {
        if (uint32_t{e.split_t} + e.zero_bits(c) >= bits)
          return manifest_error("V-01", "the zero bits of split values are out of range");
      }
      break;
    case Values::kInt:
      if (!is_integer(dtype) && !is_f8(dtype))
        return manifest_error("M-14", "int values need an integer dtype");
      break;
    case Values::kDelta:
      DCF_TRY(check_delta(e, elements));
      break;
  }
  return ok_status();
}

}  // namespace dcf::impl::format
