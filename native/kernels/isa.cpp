#include "isa.h"

#include "abi.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace understudy {

namespace {

Isa best() {
#if UNDERSTUDY_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq")) {
        return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return Isa::avx2;
    }
#endif
    return Isa::portable;
}

Isa lowered(Isa wanted) {
    static const Isa most = best();
    return wanted < most ? wanted : most;
}

Isa from_environment() {
    const char* named = std::getenv("UNDERSTUDY_ISA");
    if (named == nullptr || *named == '\0') {
        return lowered(Isa::avx512_bf16);
    }
    constexpr const char* names[] = {"portable", "avx2", "avx512", "avx512_bf16"};
    for (int i = 0; i < 4; i++) {
        if (std::strcmp(named, names[i]) == 0) {
            return lowered(static_cast<Isa>(i));
        }
    }
    throw std::invalid_argument(std::string("UNDERSTUDY_ISA: expected portable, avx2, avx512 or avx512_bf16, found '") + named +
                                "'. Set it to one of these, or unset it for the best of this processor.");
}

std::atomic<Isa>& chosen() {
    static std::atomic<Isa> isa{from_environment()};
    return isa;
}

}  // namespace

Isa isa() { return chosen().load(std::memory_order_relaxed); }

void set_isa(Isa wanted) { chosen().store(lowered(wanted)); }

}  // namespace understudy

UNDERSTUDY_API int32_t understudy_isa() {
    int32_t found = -1;
    understudy::status_of([&] { found = static_cast<int32_t>(understudy::isa()); });
    return found;
}

UNDERSTUDY_API int32_t understudy_set_isa(int32_t wanted) {
    return understudy::status_of([&] { understudy::set_isa(static_cast<understudy::Isa>(wanted < 0 ? 0 : wanted > 3 ? 3 : wanted)); });
}
