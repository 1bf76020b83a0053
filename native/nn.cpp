// Matrix products and the functional layer operations.
#include "abi.h"

using namespace understudy;

UNDERSTUDY_API Handle understudy_matmul(ConstHandle x, ConstHandle y) {
    return tensor_of([&] { return at::matmul(*x, *y); });
}

UNDERSTUDY_API Handle understudy_embedding(ConstHandle weight, ConstHandle indices, int64_t padding_idx) {
    return tensor_of([&] { return at::embedding(*weight, *indices, padding_idx); });
}

UNDERSTUDY_API Handle understudy_nll_loss(ConstHandle log_probabilities, ConstHandle targets, int64_t reduction,
                                          int64_t ignore_index) {
    return tensor_of([&] {
        return at::nll_loss(*log_probabilities, *targets, Optional<at::Tensor>(), reduction, ignore_index);
    });
}
