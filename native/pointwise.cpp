// Element-wise operations and reductions.
#include "abi.h"

using namespace understudy;

namespace {
Optional<at::ScalarType> dtype_or_none(int32_t dtype) {
    if (dtype < 0) {
        return none;
    }
    return static_cast<at::ScalarType>(dtype);
}
}  // namespace

#define UNARY(name) \
    UNDERSTUDY_API Handle understudy_##name(ConstHandle x) { \
        return tensor_of([&] { return at::name(*x); }); \
    }
#define BINARY(name) \
    UNDERSTUDY_API Handle understudy_##name(ConstHandle x, ConstHandle y) { \
        return tensor_of([&] { return at::name(*x, *y); }); \
    }
#define WITH_SCALAR(name) \
    UNDERSTUDY_API Handle understudy_##name##_scalar(ConstHandle x, NativeScalar y) { \
        return tensor_of([&] { return at::name(*x, to_scalar(y)); }); \
    }
#define IN_PLACE(name) \
    UNDERSTUDY_API int32_t understudy_##name(Handle x, ConstHandle y) { \
        return status_of([&] { x->name(*y); }); \
    }
#define IN_PLACE_SCALAR(name) \
    UNDERSTUDY_API int32_t understudy_##name##_scalar(Handle x, NativeScalar y) { \
        return status_of([&] { x->name(to_scalar(y)); }); \
    }

UNARY(neg)
UNARY(abs)
UNARY(exp)
UNARY(log)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(sin)
UNARY(cos)
UNARY(tanh)
UNARY(sigmoid)
UNARY(relu)
UNARY(isfinite)
UNARY(logical_not)

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(maximum)
BINARY(minimum)
BINARY(eq)
BINARY(ne)
BINARY(lt)
BINARY(le)
BINARY(gt)
BINARY(ge)
BINARY(logical_and)
BINARY(logical_or)

WITH_SCALAR(add)
WITH_SCALAR(sub)
WITH_SCALAR(mul)
WITH_SCALAR(div)
WITH_SCALAR(pow)
WITH_SCALAR(eq)
WITH_SCALAR(ne)
WITH_SCALAR(lt)
WITH_SCALAR(le)
WITH_SCALAR(gt)
WITH_SCALAR(ge)

IN_PLACE(add_)
IN_PLACE(sub_)
IN_PLACE(mul_)
IN_PLACE(div_)
IN_PLACE(copy_)
IN_PLACE_SCALAR(add_)
IN_PLACE_SCALAR(mul_)
IN_PLACE_SCALAR(div_)
IN_PLACE_SCALAR(fill_)

UNDERSTUDY_API Handle understudy_clamp(ConstHandle x, NativeScalar low, NativeScalar high) {
    return tensor_of([&] { return at::clamp(*x, to_scalar(low), to_scalar(high)); });
}

UNDERSTUDY_API Handle understudy_where(ConstHandle condition, ConstHandle x, ConstHandle y) {
    return tensor_of([&] { return at::where(*condition, *x, *y); });
}

UNDERSTUDY_API Handle understudy_masked_fill(ConstHandle x, ConstHandle mask, NativeScalar value) {
    return tensor_of([&] { return at::masked_fill(*x, *mask, to_scalar(value)); });
}

UNDERSTUDY_API Handle understudy_sum(ConstHandle x) {
    return tensor_of([&] { return at::sum(*x); });
}

UNDERSTUDY_API Handle understudy_sum_dim(ConstHandle x, int64_t dim, int32_t keepdim) {
    return tensor_of([&] { return at::sum(*x, {dim}, keepdim != 0); });
}

UNDERSTUDY_API Handle understudy_mean(ConstHandle x) {
    return tensor_of([&] { return at::mean(*x); });
}

UNDERSTUDY_API Handle understudy_mean_dim(ConstHandle x, int64_t dim, int32_t keepdim) {
    return tensor_of([&] { return at::mean(*x, {dim}, keepdim != 0); });
}

UNDERSTUDY_API Handle understudy_max(ConstHandle x) {
    return tensor_of([&] { return at::max(*x); });
}

UNDERSTUDY_API Handle understudy_amax(ConstHandle x, int64_t dim, int32_t keepdim) {
    return tensor_of([&] { return at::amax(*x, {dim}, keepdim != 0); });
}

UNDERSTUDY_API Handle understudy_argmax(ConstHandle x, int64_t dim, int32_t keepdim) {
    return tensor_of([&] { return at::argmax(*x, dim, keepdim != 0); });
}

UNDERSTUDY_API Handle understudy_norm(ConstHandle x) {
    return tensor_of([&] { return at::norm(*x); });
}

UNDERSTUDY_API Handle understudy_norm_dim(ConstHandle x, int64_t dim, int32_t keepdim) {
    return tensor_of([&] { return at::norm(*x, 2, {dim}, keepdim != 0); });
}

UNDERSTUDY_API Handle understudy_all(ConstHandle x) {
    return tensor_of([&] { return at::all(*x); });
}

UNDERSTUDY_API Handle understudy_any(ConstHandle x) {
    return tensor_of([&] { return at::any(*x); });
}

UNDERSTUDY_API Handle understudy_cumsum(ConstHandle x, int64_t dim) {
    return tensor_of([&] { return at::cumsum(*x, dim); });
}

UNDERSTUDY_API Handle understudy_logsumexp(ConstHandle x, int64_t dim, int32_t keepdim) {
    return tensor_of([&] { return at::logsumexp(*x, {dim}, keepdim != 0); });
}

UNDERSTUDY_API Handle understudy_softmax(ConstHandle x, int64_t dim, int32_t dtype) {
    return tensor_of([&] {
        return at::softmax(*x, dim, dtype_or_none(dtype));
    });
}

UNDERSTUDY_API Handle understudy_log_softmax(ConstHandle x, int64_t dim, int32_t dtype) {
    return tensor_of([&] {
        return at::log_softmax(*x, dim, dtype_or_none(dtype));
    });
}

UNDERSTUDY_API int32_t understudy_topk(ConstHandle x, int64_t k, int64_t dim, int32_t largest, Handle* values,
                                       Handle* indices) {
    return status_of([&] {
        auto result = at::topk(*x, k, dim, largest != 0, true);
        *values = wrap(std::get<0>(result));
        *indices = wrap(std::get<1>(result));
    });
}

UNDERSTUDY_API int32_t understudy_sort(ConstHandle x, int64_t dim, int32_t descending, Handle* values,
                                       Handle* indices) {
    return status_of([&] {
        auto result = at::sort(*x, dim, descending != 0);
        *values = wrap(std::get<0>(result));
        *indices = wrap(std::get<1>(result));
    });
}
