// Which instructions the kernels that are written with intrinsics use. Plain loops need none of this: see simd.h.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define UNDERSTUDY_X86 1
#define UNDERSTUDY_AVX2 __attribute__((target("avx2,fma,f16c")))
#define UNDERSTUDY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))
#define UNDERSTUDY_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")))
#else
#define UNDERSTUDY_X86 0
#endif

namespace understudy {

enum class Isa : int { portable = 0, avx2 = 1, avx512 = 2, avx512_bf16 = 3 };

// The best of this processor, or less where UNDERSTUDY_ISA (portable, avx2, avx512, avx512_bf16) or set_isa says so. Throws
// where the variable says something else.
Isa isa();

// For tests: the paths of one kernel are compared in one process. More than the processor has is lowered to it.
void set_isa(Isa wanted);

}  // namespace understudy
