// y = x W^T with W in NF4 or int8. Backward needs W alone, so nothing is saved but the few bits that are held anyway:
// the matrix is made when it is needed and gone after the product (QLoRA, Dettmers et al., arXiv 2305.14314, section 3).
#include "kernels/autocast.h"
#include "kernels/quantized.h"
#include "kernels/simd.h"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace understudy {

namespace {

// Up to here a row of W is made, multiplied with the rows of x while it is in the cache, and forgotten; above, a whole
// matrix product is faster.
constexpr int64_t few_rows = 8;

constexpr int64_t piece = 1024;

// [blocks] float32.
at::Tensor scales_of(const Quantized& weight) {
    if (!weight.nested_map.defined()) {
        return weight.scales;
    }
    const auto count = weight.scales.numel();
    if (!weight.scales.device().is_cpu()) {
        const auto values = weight.nested_map.index_select(0, weight.scales.to(at::kLong));
        const auto sizes = weight.nested_scales.repeat_interleave(weight.nested_block).narrow(0, 0, count);
        return values * sizes + weight.offset;
    }
    auto made = at::empty({count}, at::kFloat);
    auto* to = made.data_ptr<float>();
    const auto* codes = weight.scales.data_ptr<uint8_t>();
    const auto* map = weight.nested_map.data_ptr<float>();
    const auto* sizes = weight.nested_scales.data_ptr<float>();
    const auto offset = static_cast<float>(weight.offset);
    for (int64_t i = 0; i < count; i++) {
        // Two roundings, as in the reference.
        const float value = map[codes[i]] * sizes[i / weight.nested_block];
        to[i] = value + offset;
    }
    return made;
}

UNDERSTUDY_SIMD void widen(const int8_t* codes, int64_t count, float scale, float* out) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        out[i] = static_cast<float>(codes[i]) * scale;
    }
}

UNDERSTUDY_SIMD void narrow(const float* values, int64_t count, c10::BFloat16* out) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        store(out, i, values[i]);
    }
}

void narrow(const float* values, int64_t count, float* out) { std::copy_n(values, count, out); }

// Numbers first to first + count of the matrix; first is even for NF4.
void unpack(const Quantized& weight, const float* scales, int64_t first, int64_t count, float* out) {
    if (!weight.is_int8()) {
        unpack_nf4(weight.codes.data_ptr<uint8_t>(), scales, weight.block, first, count, out);
        return;
    }
    const auto* codes = weight.codes.data_ptr<int8_t>();
    for (int64_t done = 0; done < count;) {
        const auto at = first + done;
        const auto size = std::min(weight.columns - at % weight.columns, count - done);
        widen(codes + at, size, scales[at / weight.columns], out + done);
        done += size;
    }
}

template <class T>
void fill(const Quantized& weight, const float* scales, T* out) {
    const auto count = weight.rows * weight.columns;
    const auto pieces = (count + piece - 1) / piece;
    at::parallel_for(0, pieces, 32, [&](int64_t begin, int64_t end) {
        float values[piece];
        for (int64_t p = begin; p < end; p++) {
            const auto first = p * piece;
            const auto size = std::min(piece, count - first);
            unpack(weight, scales, first, size, values);
            narrow(values, size, out + first);
        }
    });
}

// The same numbers by library operations, for other devices and types.
at::Tensor composed(const Quantized& weight, at::ScalarType type) {
    const auto scales = scales_of(weight);
    if (weight.is_int8()) {
        return (weight.codes.to(at::kFloat) * scales.unsqueeze(1)).to(type);
    }
    const auto count = weight.rows * weight.columns;
    const auto values = at::embedding(nf4_pairs(weight.codes.options()), weight.codes.view(-1).to(at::kInt)).view(-1).narrow(0, 0, count);
    const auto whole = count / weight.block * weight.block;
    auto made = (values.narrow(0, 0, whole).view({-1, weight.block}) * scales.narrow(0, 0, whole / weight.block).unsqueeze(1)).view(-1);
    if (whole < count) {
        made = at::cat({made, values.narrow(0, whole, count - whole) * scales.narrow(0, whole / weight.block, 1)});
    }
    return made.to(type).view({weight.rows, weight.columns});
}

bool has_kernel(const Quantized& weight, at::ScalarType type) {
    return weight.codes.device().is_cpu() && (type == at::kFloat || type == at::kBFloat16);
}

#if defined(__GNUC__)
using Lanes = float __attribute__((vector_size(64)));
#endif

// Four sums at a time: one alone would wait for itself.
UNDERSTUDY_SIMD float dot(const float* a, const float* b, int64_t count) {
    float total = 0;
    int64_t i = 0;
#if defined(__GNUC__)
    Lanes sums[4] = {};
    for (; i + 64 <= count; i += 64) {
        for (int k = 0; k < 4; k++) {
            Lanes x, y;
            std::memcpy(&x, a + i + 16 * k, sizeof(x));
            std::memcpy(&y, b + i + 16 * k, sizeof(y));
            sums[k] += x * y;
        }
    }
    const Lanes sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int lane = 0; lane < 16; lane++) {
        total += sum[lane];
    }
#endif
    for (; i < count; i++) {
        total += a[i] * b[i];
    }
    return total;
}

template <class T>
void few(const Quantized& weight, const float* scales, const float* x, int64_t count, T* out) {
    at::parallel_for(0, weight.rows, std::max<int64_t>(1, 16384 / weight.columns), [&](int64_t begin, int64_t end) {
        std::vector<float> row(static_cast<size_t>(weight.columns));
        for (int64_t r = begin; r < end; r++) {
            unpack(weight, scales, r * weight.columns, weight.columns, row.data());
            for (int64_t i = 0; i < count; i++) {
                const float value = dot(row.data(), x + i * weight.columns, weight.columns);
                store(out, i * weight.rows + r, value);
            }
        }
    });
}

// x [rows of x, columns] to [rows of x, rows].
at::Tensor product(const at::Tensor& x, const Quantized& weight) {
    const auto count = x.size(0);
    const bool rows_begin_in_a_byte = weight.is_int8() || weight.columns % 2 == 0;
    if (count == 0 || count > few_rows || !rows_begin_in_a_byte || !has_kernel(weight, x.scalar_type())) {
        return at::linear(x, dense(weight, x.scalar_type()));
    }
    const auto scales = scales_of(weight);
    const auto wide = x.to(at::kFloat).contiguous();
    auto y = at::empty({count, weight.rows}, x.options());
    if (x.scalar_type() == at::kBFloat16) {
        few(weight, scales.data_ptr<float>(), wide.data_ptr<float>(), count, y.data_ptr<c10::BFloat16>());
    } else {
        few(weight, scales.data_ptr<float>(), wide.data_ptr<float>(), count, y.data_ptr<float>());
    }
    return y;
}

class QuantizedLinear : public torch::autograd::Function<QuantizedLinear> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const Quantized& weight) {
        c10::impl::ExcludeDispatchKeyGuard typed(c10::autocast_dispatch_keyset);
        auto& saved = context->saved_data;
        saved["codes"] = weight.codes;
        saved["scales"] = weight.scales;
        if (weight.nested_map.defined()) {
            saved["nested_map"] = weight.nested_map;
            saved["nested_scales"] = weight.nested_scales;
        }
        saved["offset"] = weight.offset;
        saved["block"] = weight.block;
        saved["nested_block"] = weight.nested_block;
        saved["rows"] = weight.rows;
        saved["columns"] = weight.columns;
        auto shape = x.sizes().vec();
        shape.back() = weight.rows;
        return product(x.reshape({-1, weight.columns}), weight).view(shape);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        c10::impl::ExcludeDispatchKeyGuard typed(c10::autocast_dispatch_keyset);
        auto& saved = context->saved_data;
        const bool nested = saved.count("nested_map") != 0;
        const Quantized weight{saved["codes"].toTensor(),
                               saved["scales"].toTensor(),
                               nested ? saved["nested_map"].toTensor() : at::Tensor(),
                               nested ? saved["nested_scales"].toTensor() : at::Tensor(),
                               saved["offset"].toDouble(),
                               saved["block"].toInt(),
                               saved["nested_block"].toInt(),
                               saved["rows"].toInt(),
                               saved["columns"].toInt()};
        return {at::matmul(upstream[0], dense(weight, upstream[0].scalar_type())), at::Tensor()};
    }
};

// The type that autocast would compute in, or x's own.
at::ScalarType compute_type(const at::Tensor& x) { return autocast_type(x.device().type()).value_or(x.scalar_type()); }

// Sizes may come from a file; what is read beyond a tensor's end would be somebody else's memory.
Quantized checked(ConstHandle codes, ConstHandle scales, ConstHandle nested_map, ConstHandle nested_scales, double offset,
                  int64_t block, int64_t nested_block, int64_t rows, int64_t columns) {
    Quantized weight{*codes, *scales, optional(nested_map).value_or(at::Tensor()), optional(nested_scales).value_or(at::Tensor()),
                     offset, block, nested_block, rows, columns};
    constexpr int64_t most = int64_t{1} << 31;
    TORCH_CHECK(rows > 0 && columns > 0 && rows < most && columns < most, "a quantised matrix cannot be ", rows, " x ", columns);
    const auto count = rows * columns;
    const auto whole = [](const at::Tensor& tensor, at::ScalarType type, int64_t size) {
        return tensor.scalar_type() == type && tensor.is_contiguous() && tensor.numel() == size;
    };
    if (weight.is_int8()) {
        TORCH_CHECK(whole(*codes, at::kChar, count) && whole(*scales, at::kFloat, rows), "an int8 matrix of ", rows, " x ", columns,
                    " needs as many codes and ", rows, " float32 scales");
        return weight;
    }
    TORCH_CHECK(block >= 2 && block % 2 == 0, "a block has ", block, " numbers; expected an even count of at least 2");
    const auto blocks = (count + block - 1) / block;
    TORCH_CHECK(whole(*codes, at::kByte, (count + 1) / 2), "an NF4 matrix of ", rows, " x ", columns, " needs ", (count + 1) / 2,
                " bytes of codes");
    if (!weight.nested_map.defined()) {
        TORCH_CHECK(whole(*scales, at::kFloat, blocks), "an NF4 matrix of ", blocks, " blocks needs as many float32 scales");
        return weight;
    }
    TORCH_CHECK(nested_block > 0 && whole(*scales, at::kByte, blocks) && whole(weight.nested_map, at::kFloat, 256) &&
                    weight.nested_scales.defined() && whole(weight.nested_scales, at::kFloat, (blocks + nested_block - 1) / nested_block),
                "an NF4 matrix of ", blocks, " blocks needs as many 8-bit scales, the 256 values they stand for, and a float32 scale for every ",
                nested_block, " of them");
    return weight;
}

}  // namespace

at::Tensor dense(const Quantized& weight, at::ScalarType type) {
    if (!has_kernel(weight, type)) {
        return composed(weight, type);
    }
    const auto scales = scales_of(weight);
    auto made = at::empty({weight.rows, weight.columns}, at::TensorOptions().dtype(type));
    if (type == at::kBFloat16) {
        fill(weight, scales.data_ptr<float>(), made.data_ptr<c10::BFloat16>());
    } else {
        fill(weight, scales.data_ptr<float>(), made.data_ptr<float>());
    }
    return made;
}

}  // namespace understudy

using namespace understudy;

// x [..., columns] to [..., rows], in x's type or autocast's. Gradients go to x and to the bias.
UNDERSTUDY_API Handle understudy_quantized_linear(ConstHandle x, ConstHandle bias, ConstHandle codes, ConstHandle scales,
                                                  ConstHandle nested_map, ConstHandle nested_scales, double offset,
                                                  int64_t block, int64_t nested_block, int64_t rows, int64_t columns) {
    return tensor_of([&] {
        const auto weight = checked(codes, scales, nested_map, nested_scales, offset, block, nested_block, rows, columns);
        TORCH_CHECK(x->dim() > 0 && x->size(-1) == columns, "the input has ", x->dim() > 0 ? x->size(-1) : 0, " features; the layer takes ", columns);
        const auto type = compute_type(*x);
        auto y = QuantizedLinear::apply(x->to(type), weight);
        const auto added = optional(bias);
        return added.has_value() ? y + added->to(type) : y;
    });
}

// [rows, columns] in a floating-point type, outside of any gradient.
UNDERSTUDY_API Handle understudy_quantized_dense(ConstHandle codes, ConstHandle scales, ConstHandle nested_map,
                                                 ConstHandle nested_scales, double offset, int64_t block, int64_t nested_block,
                                                 int64_t rows, int64_t columns, int32_t dtype) {
    return tensor_of([&] {
        c10::NoGradGuard no_grad;
        const auto weight = checked(codes, scales, nested_map, nested_scales, offset, block, nested_block, rows, columns);
        return dense(weight, static_cast<at::ScalarType>(dtype));
    });
}

// matrix [rows, columns]: codes int8 from -127 to 127, scales [rows] float32 = the row's largest magnitude / 127; on the CPU.
UNDERSTUDY_API int32_t understudy_int8_quantize(ConstHandle matrix, Handle* codes, Handle* scales) {
    return status_of([&] {
        c10::NoGradGuard no_grad;
        TORCH_CHECK(matrix->dim() == 2, "expected a matrix, found ", matrix->dim(), " dimensions");
        const auto values = matrix->detach().to(at::kCPU, at::kFloat).contiguous();
        const auto rows = values.size(0);
        const auto columns = values.size(1);
        auto made = at::empty({rows, columns}, at::kChar);
        auto sizes = at::empty({rows}, at::kFloat);
        const auto* from = values.data_ptr<float>();
        auto* to = made.data_ptr<int8_t>();
        auto* size = sizes.data_ptr<float>();
        at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
            for (int64_t r = begin; r < end; r++) {
                float largest = 0;
                for (int64_t i = 0; i < columns; i++) {
                    const float value = std::fabs(from[r * columns + i]);
                    largest = value > largest || value != value ? value : largest;
                }
                size[r] = largest / 127.0f;
                const float reciprocal = largest > 0 && std::isfinite(largest) ? 127.0f / largest : 0.0f;
                for (int64_t i = 0; i < columns; i++) {
                    const float value = from[r * columns + i] * reciprocal;
                    to[r * columns + i] = value == value ? static_cast<int8_t>(std::nearbyint(value)) : int8_t{0};
                }
            }
        });
        *codes = wrap(std::move(made));
        *scales = wrap(std::move(sizes));
    });
}
