using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>How a token is drawn from a line of logits: they are divided by the temperature, then top-k, top-p and min-p take tokens out, in that order. Mirrors <c>DrawTask</c> of native/inference/step.h.</summary>
/// <param name="Share">From 0 to below 1: where in the distribution, in the order of ids.</param>
/// <param name="Temperature">More than 0.</param>
/// <param name="TopP">Above 0 and at most 1; 1 for all.</param>
/// <param name="MinP">From 0 to 1; 0 for all.</param>
/// <param name="TopK">At least 0; 0 for all.</param>
/// <param name="Line">The number of the line.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct DrawLine(double Share, float Temperature, float TopP, float MinP, int TopK, int Line);
