// The time of what runs between construction and destruction, under the name of an operation, when a profile is taken.
#pragma once

#include <atomic>

namespace understudy {

extern std::atomic<bool> profiling;

class Measured {
public:
    // operations and bytes: what the operation computes, and what it must at least read and write; 0 where unknown.
    Measured(const char* operation, double operations, double bytes);
    ~Measured();
    Measured(const Measured&) = delete;
    Measured& operator=(const Measured&) = delete;

private:
    const char* operation_;
    double operations_;
    double bytes_;
    double begin_;
};

}  // namespace understudy
