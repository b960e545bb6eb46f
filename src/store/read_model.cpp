#include "store/read_model.h"

#include <algorithm>
#include <cmath>

namespace keyturn::store {
namespace {

constexpr double kPerDoubling = 8;

}  // namespace

int duration_bucket(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<int>(
      std::floor(kPerDoubling * std::log2(static_cast<double>(std::max<std::int64_t>(ms, 1)))));
}

Duration bucket_start(int bucket) {
  return std::chrono::milliseconds(std::llround(std::exp2(bucket / kPerDoubling)));
}

}  // namespace keyturn::store
