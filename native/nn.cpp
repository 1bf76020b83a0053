// Matrix products and the functional layer operations.
#include "abi.h"

using namespace understudy;

UNDERSTUDY_API Handle understudy_matmul(ConstHandle x, ConstHandle y) {
    return tensor_of([&] { return at::matmul(*x, *y); });
}

UNDERSTUDY_API Handle understudy_embedding(ConstHandle weight, ConstHandle indices, int64_t padding_idx) {
    return tensor_of([&] { return at::embedding(*weight, *indices, padding_idx); });
}

UNDERSTUDY_API Handle understudy_layer_norm(ConstHandle x, const int64_t* shape, int32_t dims, ConstHandle weight,
                                            ConstHandle bias, double eps) {
    return tensor_of([&] { return at::layer_norm(*x, sizes(shape, dims), optional(weight), optional(bias), eps); });
}

UNDERSTUDY_API Handle understudy_dropout(ConstHandle x, double probability, int32_t training) {
    return tensor_of([&] { return at::dropout(*x, probability, training != 0); });
}

UNDERSTUDY_API Handle understudy_nll_loss(ConstHandle log_probabilities, ConstHandle targets, int64_t reduction,
                                          int64_t ignore_index) {
    return tensor_of([&] {
        return at::nll_loss(*log_probabilities, *targets, Optional<at::Tensor>(), reduction, ignore_index);
    });
}
