#include "kernels/targets.h"

namespace understudy {

at::Tensor counted_targets(const at::Tensor& targets, const at::Tensor& weights, int64_t rows, int64_t classes, double label_smoothing) {
    TORCH_CHECK(targets.dim() == 1 && targets.size(0) == rows && targets.scalar_type() == at::kLong,
                "expected int64 targets [", rows, "], found ", targets.scalar_type(), ' ', targets.sizes());
    TORCH_CHECK(weights.dim() == 1 && weights.size(0) == rows && weights.scalar_type() == at::kFloat,
                "expected float32 weights [", rows, "], found ", weights.scalar_type(), ' ', weights.sizes());
    TORCH_CHECK(label_smoothing >= 0 && label_smoothing < 1, "label smoothing must be in [0, 1), found ", label_smoothing);
    TORCH_CHECK(classes > 0, "expected at least one class, found none");
    const auto counted = at::where(weights == 0, at::zeros_like(targets), targets).contiguous();
    if (rows > 0) {
        const auto low = counted.min().item().toLong();
        const auto high = counted.max().item().toLong();
        TORCH_CHECK(low >= 0 && high < classes, "expected targets in [0, ", classes, "), found values from ", low, " to ", high);
    }
    return counted;
}

}  // namespace understudy
