#include "inference/packed_matrix.h"

#include "abi.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace understudy {

namespace {

constexpr size_t huge_page = size_t{1} << 21;
constexpr size_t slab = size_t{1} << 25;  // small matrices share one

std::shared_ptr<void> from_system(size_t bytes) {
    void* memory = nullptr;
    const auto rounded = (bytes + huge_page - 1) / huge_page * huge_page;
    if (posix_memalign(&memory, huge_page, rounded) != 0) {
        throw std::bad_alloc();
    }
    madvise(memory, rounded, MADV_HUGEPAGE);
    return {memory, std::free};
}

// [count] as float32, zeros up to whole panels.
std::shared_ptr<float> padded(const at::Tensor& numbers, int64_t count) {
    TORCH_CHECK(numbers.dim() == 1 && numbers.size(0) == count && numbers.is_floating_point(), "expected ", count, " numbers beside the matrix, found ", numbers.sizes());
    const auto width = static_cast<size_t>(round_up(count, panel_columns));
    auto memory = huge_memory(width * sizeof(float));
    auto* to = static_cast<float*>(memory.get());
    std::memset(to, 0, width * sizeof(float));
    const auto plain = numbers.detach().to(at::kCPU, at::kFloat).contiguous();
    std::memcpy(to, plain.data_ptr<float>(), static_cast<size_t>(count) * sizeof(float));
    return {memory, to};
}

PackedMatrix begun(int64_t outputs, int64_t inputs, PanelFormat format, const Optional<at::Tensor>& bias, int64_t block = 0) {
    TORCH_CHECK(outputs > 0 && inputs > 0, "expected a matrix with rows and columns, found ", outputs, " x ", inputs);
    PackedMatrix packed;
    auto& panels = packed.panels;
    panels.inputs = inputs;
    panels.outputs = outputs;
    panels.format = format;
    panels.block = block;
    const auto pairs = (inputs + 1) / 2;
    panels.panel_bytes = panel_columns * [&] {
        switch (format) {
            case PanelFormat::float32: return inputs * 4;
            case PanelFormat::bfloat16: return pairs * 4;
            case PanelFormat::int8: return pairs * 2;
            default: return pairs + inputs / block * 4;
        }
    }();
    packed.memory = huge_memory(static_cast<size_t>((outputs + panel_columns - 1) / panel_columns * panels.panel_bytes));
    panels.data = static_cast<const uint8_t*>(packed.memory.get());
    if (bias.has_value()) {
        packed.of_bias = padded(*bias, outputs);
        panels.bias = packed.of_bias.get();
    }
    return packed;
}

// put(panel's memory, output within it, row of so many numbers) for every output, and blank ones up to the end of the last panel.
template <class T, class Put>
void fill(const PackedMatrix& packed, const at::Tensor& matrix, at::ScalarType type, int64_t width, Put&& put) {
    const auto& panels = packed.panels;
    const auto count = (panels.outputs + panel_columns - 1) / panel_columns;
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
        c10::NoGradGuard no_grad;
        for (int64_t p = begin; p < end; p++) {
            auto* to = static_cast<uint8_t*>(packed.memory.get()) + p * panels.panel_bytes;
            std::memset(to, 0, static_cast<size_t>(panels.panel_bytes));
            const auto columns = std::min(panel_columns, panels.outputs - p * panel_columns);
            const auto rows = matrix.narrow(0, p * panel_columns, columns).to(type).contiguous();
            for (int64_t c = 0; c < columns; c++) {
                put(to, c, rows.template data_ptr<T>() + c * width);
            }
        }
    });
}

}  // namespace

std::shared_ptr<void> huge_memory(size_t bytes) {
    static std::mutex mutex;
    static std::weak_ptr<void> open;
    static size_t used = 0;
    const auto rounded = (bytes + 63) / 64 * 64;
    if (rounded >= slab / 2) {
        return from_system(rounded);
    }
    const std::lock_guard<std::mutex> lock(mutex);
    auto current = open.lock();
    if (current == nullptr || used + rounded > slab) {
        current = from_system(slab);
        open = current;
        used = 0;
    }
    auto* begin = static_cast<uint8_t*>(current.get()) + used;
    used += rounded;
    return {current, begin};
}

}  // namespace understudy

using namespace understudy;

// matrix [outputs, inputs] of any layout, float32, bfloat16 or float16 on the CPU; bias [outputs] or null. To be freed with
// understudy_packed_free.
UNDERSTUDY_API void* understudy_pack(ConstHandle matrix, ConstHandle bias, int32_t narrow) {
    PackedMatrix* result = nullptr;
    const auto status = status_of([&] {
        const auto weight = matrix->detach();
        TORCH_CHECK(weight.dim() == 2 && weight.device().is_cpu() && weight.is_floating_point(), "expected a matrix of floating-point numbers on the CPU, found ", weight.scalar_type(), " ", weight.sizes());
        auto packed = begun(weight.size(0), weight.size(1), narrow != 0 ? PanelFormat::bfloat16 : PanelFormat::float32, optional(bias));
        const auto inputs = weight.size(1);
        if (narrow != 0) {
            fill<at::BFloat16>(packed, weight, at::kBFloat16, inputs, [inputs](uint8_t* panel, int64_t column, const at::BFloat16* row) {
                auto* to = reinterpret_cast<at::BFloat16*>(panel) + 2 * column;
                for (int64_t k = 0; k < inputs; k++) {
                    to[k / 2 * 2 * panel_columns + k % 2] = row[k];
                }
            });
        } else {
            fill<float>(packed, weight, at::kFloat, inputs, [inputs](uint8_t* panel, int64_t column, const float* row) {
                auto* to = reinterpret_cast<float*>(panel) + column;
                for (int64_t k = 0; k < inputs; k++) {
                    to[k * panel_columns] = row[k];
                }
            });
        }
        result = new PackedMatrix(std::move(packed));
    });
    return status == 0 ? result : nullptr;
}

// codes [outputs, inputs] int8, scales [outputs].
UNDERSTUDY_API void* understudy_pack_int8(ConstHandle codes, ConstHandle scales, ConstHandle bias) {
    PackedMatrix* result = nullptr;
    const auto status = status_of([&] {
        TORCH_CHECK(codes->dim() == 2 && codes->device().is_cpu() && codes->scalar_type() == at::kChar, "expected a matrix of int8 codes on the CPU, found ", codes->scalar_type(), " ", codes->sizes());
        auto packed = begun(codes->size(0), codes->size(1), PanelFormat::int8, optional(bias));
        packed.of_scales = padded(*scales, codes->size(0));
        packed.panels.scales = packed.of_scales.get();
        const auto inputs = codes->size(1);
        fill<int8_t>(packed, *codes, at::kChar, inputs, [inputs](uint8_t* panel, int64_t column, const int8_t* row) {
            auto* to = reinterpret_cast<int8_t*>(panel) + column;
            for (int64_t k = 0; k < inputs; k++) {
                to[k * panel_columns] = row[k];
            }
        });
        result = new PackedMatrix(std::move(packed));
    });
    return status == 0 ? result : nullptr;
}

// codes [outputs x inputs / 2] bytes with the first number in the high half, row after row; scales [outputs x inputs / block] float32.
UNDERSTUDY_API void* understudy_pack_nf4(ConstHandle codes, ConstHandle scales, int64_t block, int64_t outputs, int64_t inputs, ConstHandle bias) {
    PackedMatrix* result = nullptr;
    const auto status = status_of([&] {
        TORCH_CHECK(block >= 2 && (block & (block - 1)) == 0 && inputs > 0 && inputs % block == 0, "expected rows of whole blocks, found ", inputs, " numbers in blocks of ", block);
        TORCH_CHECK(codes->device().is_cpu() && codes->scalar_type() == at::kByte && codes->numel() == outputs * inputs / 2 && scales->scalar_type() == at::kFloat && scales->numel() == outputs * inputs / block,
                    "expected codes and scales of ", outputs, " x ", inputs, " numbers, found ", codes->sizes(), " and ", scales->sizes());
        auto packed = begun(outputs, inputs, PanelFormat::nf4, optional(bias), block);
        const auto bytes = codes->detach().view({outputs, inputs / 2});
        const auto sizes = scales->detach().contiguous();
        const auto* size = sizes.data_ptr<float>();
        const auto blocks = inputs / block;
        const auto* memory = static_cast<const uint8_t*>(packed.memory.get());
        const auto panel_bytes = packed.panels.panel_bytes;
        fill<uint8_t>(packed, bytes, at::kByte, inputs / 2, [=](uint8_t* panel, int64_t column, const uint8_t* row) {
            for (int64_t k = 0; k < inputs / 2; k++) {
                panel[k * panel_columns + column] = row[k];
            }
            auto* to = reinterpret_cast<float*>(panel + inputs / 2 * panel_columns) + column;
            const auto output = (panel - memory) / panel_bytes * panel_columns + column;
            for (int64_t k = 0; k < blocks; k++) {
                to[k * panel_columns] = size[output * blocks + k];
            }
        });
        result = new PackedMatrix(std::move(packed));
    });
    return status == 0 ? result : nullptr;
}

UNDERSTUDY_API void understudy_packed_free(void* matrix) { delete static_cast<PackedMatrix*>(matrix); }
