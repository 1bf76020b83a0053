// Rotary position embedding (Su et al., arXiv 2104.09864) in one pass, and the division of a product that holds query, key
// and value into its parts, with the rotation on the way. Composed of library operations the rotation is seven passes over
// tensors so small that the calls cost more than the arithmetic; the gradient of the three parts is three zero-filled
// tensors of the size of the whole, added up, where here it is written once.
//
// At [1024, 512], 8 heads, 16 of 64 numbers rotated, bfloat16, forward and backward on two Zen 4 cores: library operations take 1.3
// times as long or more.
//
// What is written lies in memory as [batch, tokens, heads, head_dim], as the matrix products before and after have it.
#include "abi.h"
#include "kernels/mixed.h"
#include "kernels/simd.h"
#include "profile.h"

#include <torch/csrc/autograd/custom_function.h>

#include <array>

using namespace understudy;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Heads of one token: where they begin, and how far apart they are.
template <class From, class To>
struct Heads {
    From* from;
    To* to;
    int64_t from_stride;
    int64_t to_stride;
    int64_t count;
    int64_t width;
};

template <class T, class U>
UNDERSTUDY_INLINE void rotate_row(const T* x, U* y, const float* cosine, const float* sine, int64_t half, float direction) {
#pragma omp simd
    for (int64_t i = 0; i < half; i++) {
        const float first = load(x, i);
        const float second = load(x, i + half);
        store(y, i, first * cosine[i] - direction * second * sine[i]);
        store(y, i + half, second * cosine[i] + direction * first * sine[i]);
    }
}

// direction 1 turns, -1 turns back, which is also the gradient: the rotation is orthogonal.
template <class T>
UNDERSTUDY_INLINE void rotate_heads(const Heads<const T, T>& heads, const float* cosine, const float* sine, int64_t rotated,
                                    float direction) {
    // Of numbers in 16 bit 32 are taken at a time, and fewer one by one: few are widened first. At 16 of 64 that takes a
    // third of the time.
    constexpr int64_t few = 64;
    float wide[few];
    float turned[few];
    for (int64_t head = 0; head < heads.count; head++) {
        const T* x = heads.from + head * heads.from_stride;
        T* y = heads.to + head * heads.to_stride;
        if (rotated >= few) {
            rotate_row(x, y, cosine, sine, rotated / 2, direction);
        } else {
#pragma omp simd
            for (int64_t i = 0; i < rotated; i++) {
                wide[i] = load(x, i);
            }
            rotate_row(wide, turned, cosine, sine, rotated / 2, direction);
#pragma omp simd
            for (int64_t i = 0; i < rotated; i++) {
                store(y, i, turned[i]);
            }
        }
        // A loop would be one over single numbers, since the compiler cannot know that the two do not overlap.
        std::memcpy(static_cast<void*>(y + rotated), static_cast<const void*>(x + rotated),
                    sizeof(T) * static_cast<size_t>(heads.width - rotated));
    }
}
UNDERSTUDY_SIMD void rotate_heads_of(const Heads<const float, float>& heads, const float* cosine, const float* sine,
                                     int64_t rotated, float direction) {
    rotate_heads(heads, cosine, sine, rotated, direction);
}
UNDERSTUDY_SIMD void rotate_heads_of(const Heads<const c10::BFloat16, c10::BFloat16>& heads, const float* cosine,
                                     const float* sine, int64_t rotated, float direction) {
    rotate_heads(heads, cosine, sine, rotated, direction);
}

// [batch or 1, 1, tokens, rotated] float32, contiguous; undefined where nothing is rotated.
struct Tables {
    at::Tensor cosine;
    at::Tensor sine;

    int64_t rotated() const { return cosine.defined() ? cosine.size(3) : 0; }
};

// Every head of x [batch, heads, tokens, head_dim] to the same of y; both may have any strides but that of head_dim.
template <class T>
void rotate_all(const at::Tensor& x, const at::Tensor& y, const Tables& tables, int64_t rotated, float direction) {
    const auto tokens = x.size(2);
    const auto batch_stride = rotated > 0 && tables.cosine.size(0) > 1 ? tokens * tables.rotated() : 0;
    const auto* from = x.data_ptr<T>();
    auto* to = y.data_ptr<T>();
    const auto* cosines = rotated > 0 ? tables.cosine.data_ptr<float>() : nullptr;
    const auto* sines = rotated > 0 ? tables.sine.data_ptr<float>() : nullptr;
    const auto grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, x.size(1) * x.size(3)));
    at::parallel_for(0, x.size(0) * tokens, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            const auto batch = i / tokens;
            const auto token = i % tokens;
            const auto at = rotated > 0 ? batch * batch_stride + token * rotated : 0;
            const Heads<const T, T> heads{from + batch * x.stride(0) + token * x.stride(2),
                                          to + batch * y.stride(0) + token * y.stride(2),
                                          x.stride(1), y.stride(1), x.size(1), x.size(3)};
            rotate_heads_of(heads, cosines + at, sines + at, rotated, direction);
        }
    });
}

void rotate_into(const at::Tensor& input, const at::Tensor& y, const Tables& tables, int64_t rotated, float direction) {
    const auto x = input.stride(3) == 1 ? input : input.contiguous();
    x.scalar_type() == at::kBFloat16 ? rotate_all<c10::BFloat16>(x, y, tables, rotated, direction)
                                     : rotate_all<float>(x, y, tables, rotated, direction);
}

at::Tensor rotate(const at::Tensor& x, const Tables& tables, float direction) {
    const Measured measured("rotary", 0, 2.0 * static_cast<double>(x.nbytes()));
    const auto y = at::empty({x.size(0), x.size(2), x.size(1), x.size(3)}, x.options()).transpose(1, 2);
    rotate_into(x, y, tables, tables.rotated(), direction);
    return y;
}

class Rotary : public torch::autograd::Function<Rotary> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
        context->save_for_backward({cosine, sine});
        return rotate(x, {cosine, sine}, 1.0f);
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto saved = context->get_saved_variables();
        return {rotate(upstream[0], {saved[0], saved[1]}, -1.0f), at::Tensor(), at::Tensor()};
    }
};

// How query, key and value stand in a row of their product: for each head side by side, or each for all heads.
struct Division {
    int64_t heads;
    bool by_head;

    // Query, key and value as views [batch, heads, tokens, head_dim] of [batch, tokens, 3 * heads * head_dim].
    std::array<at::Tensor, 3> of(const at::Tensor& fused) const {
        const auto width = fused.size(2) / 3 / heads;
        const auto part = by_head ? width : heads * width;
        const auto head = by_head ? 3 * width : width;
        std::array<at::Tensor, 3> parts;
        for (int64_t i = 0; i < 3; i++) {
            parts[static_cast<size_t>(i)] = fused.as_strided({fused.size(0), heads, fused.size(1), width},
                                                             {fused.stride(0), head, fused.stride(1), 1},
                                                             fused.storage_offset() + i * part);
        }
        return parts;
    }
};

variable_list divide(const at::Tensor& fused, Division division, const Tables& tables) {
    const Measured measured("split_heads", 0, 2.0 * static_cast<double>(fused.nbytes()));
    // Parts of their own, so that the product can be freed.
    const auto width = fused.size(2) / 3 / division.heads;
    const auto from = division.of(fused);
    variable_list parts;
    for (size_t i = 0; i < 3; i++) {
        parts.push_back(at::empty({fused.size(0), fused.size(1), division.heads, width}, fused.options()).transpose(1, 2));
        rotate_into(from[i], parts[i], tables, i < 2 ? tables.rotated() : 0, 1.0f);
    }
    return parts;
}

class SplitHeads : public torch::autograd::Function<SplitHeads> {
public:
    static variable_list forward(AutogradContext* context, const at::Tensor& fused, const Optional<at::Tensor>& cosine,
                                 const Optional<at::Tensor>& sine, int64_t heads, bool by_head) {
        context->set_materialize_grads(false);
        context->save_for_backward({cosine.value_or(at::Tensor()), sine.value_or(at::Tensor())});
        context->saved_data["sizes"] = fused.sizes();
        context->saved_data["heads"] = heads;
        context->saved_data["by_head"] = by_head;
        return divide(fused.contiguous(), {heads, by_head}, {cosine.value_or(at::Tensor()), sine.value_or(at::Tensor())});
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto saved = context->get_saved_variables();
        const Tables tables{saved[0], saved[1]};
        const Division division{context->saved_data["heads"].toInt(), context->saved_data["by_head"].toBool()};
        at::Tensor gradient;
        for (const auto& arriving : upstream) {
            if (arriving.defined() && !gradient.defined()) {
                gradient = at::empty(context->saved_data["sizes"].toIntVector(), arriving.options());
            }
        }
        if (gradient.defined()) {
            const Measured measured("split_heads backward", 0, 2.0 * static_cast<double>(gradient.nbytes()));
            const auto parts = division.of(gradient);
            for (size_t i = 0; i < 3; i++) {
                if (upstream[i].defined()) {
                    rotate_into(upstream[i], parts[i], tables, i < 2 ? tables.rotated() : 0, -1.0f);
                } else {
                    at::Tensor(parts[i]).zero_();
                }
            }
        }
        return {gradient, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

// The same by library operations, for other devices and types.
at::Tensor composed(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
    const auto rotated = cosine.size(3);
    const auto first = x.narrow(3, 0, rotated / 2);
    const auto second = x.narrow(3, rotated / 2, rotated / 2);
    const auto turned = x.narrow(3, 0, rotated) * cosine.to(x.scalar_type()) +
                        at::cat({-second, first}, 3) * sine.to(x.scalar_type());
    return at::cat({turned, x.narrow(3, rotated, x.size(3) - rotated)}, 3);
}

void check_tables(int64_t batch, int64_t tokens, int64_t width, const at::Tensor& cosine, const at::Tensor& sine) {
    TORCH_CHECK(cosine.dim() == 4 && cosine.sizes() == sine.sizes(), "expected two tables of one shape and 4 dimensions, found ",
                cosine.sizes(), " and ", sine.sizes());
    TORCH_CHECK(cosine.size(3) <= width && cosine.size(3) % 2 == 0 && cosine.size(2) == tokens && cosine.size(1) == 1 &&
                    (cosine.size(0) == 1 || cosine.size(0) == batch),
                "expected tables [", batch, " or 1, 1, ", tokens, ", an even number of at most ", width, "], found ",
                cosine.sizes());
}

at::Tensor rotary_embedding(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
    if (cosine.size(3) == 0) {
        return x;
    }
    if (!is_fusible(x) || cosine.scalar_type() != at::kFloat) {
        return composed(x, cosine, sine);
    }
    return needs_gradient({&x}) ? Rotary::apply(x, cosine.contiguous(), sine.contiguous())
                                : rotate(x, {cosine.contiguous(), sine.contiguous()}, 1.0f);
}

}  // namespace

UNDERSTUDY_API Handle understudy_rotary_embedding(ConstHandle x, ConstHandle cosine, ConstHandle sine) {
    return tensor_of([&]() -> at::Tensor {
        TORCH_CHECK(x->dim() == 4, "expected x [batch, heads, tokens, head_dim], found ", x->sizes());
        check_tables(x->size(0), x->size(2), x->size(3), *cosine, *sine);
        return rotary_embedding(*x, *cosine, *sine);
    });
}

// Query, key and value of a product [batch, tokens, 3 * heads * head_dim]; query and key turned where there are tables.
UNDERSTUDY_API int32_t understudy_split_heads(ConstHandle fused, int64_t heads, int32_t by_head, ConstHandle cosine,
                                              ConstHandle sine, Handle* results) {
    return status_of([&] {
        TORCH_CHECK(fused->dim() == 3 && heads > 0 && fused->size(2) % (3 * heads) == 0, "expected [batch, tokens, 3 x ", heads,
                    " heads x head_dim], found ", fused->sizes());
        auto cosines = optional(cosine);
        auto sines = optional(sine);
        const auto width = fused->size(2) / 3 / heads;
        if (cosines.has_value()) {
            check_tables(fused->size(0), fused->size(1), width, *cosines, *sines);
        }
        if (cosines.has_value() && cosines->size(3) == 0) {
            cosines = none;
            sines = none;
        }
        variable_list parts;
        if (is_fusible(*fused) && (!cosines.has_value() || cosines->scalar_type() == at::kFloat)) {
            if (cosines.has_value()) {
                cosines = cosines->contiguous();
                sines = sines->contiguous();
            }
            parts = needs_gradient({fused})
                        ? SplitHeads::apply(*fused, cosines, sines, heads, by_head != 0)
                        : divide(fused->contiguous(), {heads, by_head != 0}, {cosines.value_or(at::Tensor()), sines.value_or(at::Tensor())});
        } else {
            const auto whole = by_head != 0 ? fused->view({fused->size(0), fused->size(1), heads, 3, width})
                                            : fused->view({fused->size(0), fused->size(1), 3, heads, width});
            for (int64_t i = 0; i < 3; i++) {
                const auto part = whole.select(by_head != 0 ? 3 : 2, i).transpose(1, 2);
                parts.push_back(i < 2 && cosines.has_value() ? composed(part, *cosines, *sines) : part);
            }
        }
        for (size_t i = 0; i < 3; i++) {
            results[i] = wrap(parts[i]);
        }
    });
}
