// Weights held in fewer bits: NF4 in blocks, as bitsandbytes stores it, and int8 with a scale for every row.
#pragma once

#include "abi.h"

namespace understudy {

// A matrix [rows, columns] in NF4 or int8.
struct Quantized {
    at::Tensor codes;          // NF4: [ceil(n / 2), 1] uint8, the first number in the high half; int8: [rows, columns]
    at::Tensor scales;         // NF4: [blocks] float32, or uint8 where they are quantised too; int8: [rows] float32
    at::Tensor nested_map;     // [256] float32, the values of 8-bit scales; undefined without
    at::Tensor nested_scales;  // [nested blocks] float32
    double offset;             // added to every 8-bit scale
    int64_t block;             // numbers of a block of NF4
    int64_t nested_block;      // scales of a nested block
    int64_t rows;
    int64_t columns;

    bool is_int8() const { return codes.scalar_type() == at::kChar; }
};

// A matrix in a floating-point type, [rows, columns].
at::Tensor dense(const Quantized& weight, at::ScalarType type);

// Numbers first (even) to first + count of an NF4 matrix on the CPU.
void unpack_nf4(const uint8_t* codes, const float* scales, int64_t block, int64_t first, int64_t count, float* out);

// The two levels of every byte, [256, 2] float32, on a device.
at::Tensor nf4_pairs(const at::TensorOptions& options);

}  // namespace understudy
