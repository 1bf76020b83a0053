namespace Understudy.Torch;

public static partial class nn
{
    public static partial class functional
    {
        /// <summary>x W^T + b of several layers that read the same input: it is cast once, and its gradient is added up inside the products.</summary>
        /// <param name="x">[..., in_features].</param>
        /// <param name="weights">At least one and at most 62, each [out_features, in_features].</param>
        /// <param name="biases">As many, each [out_features] or null.</param>
        /// <returns>As many, each [..., out_features].</returns>
        public static Tensor[] linear(Tensor x, IReadOnlyList<Tensor> weights, IReadOnlyList<Tensor?> biases)
        {
            ArgumentNullException.ThrowIfNull(weights);
            ArgumentNullException.ThrowIfNull(biases);
            ArgumentOutOfRangeException.ThrowIfNotEqual(biases.Count, weights.Count);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(weights.Count, 62);
            ArgumentOutOfRangeException.ThrowIfZero(weights.Count);
            var results = new nint[weights.Count];
            var status = Native.understudy_linears(x.Handle, torch.Pointers(weights), [.. biases.Select(bias => bias?.Handle.DangerousGetHandle() ?? 0)], weights.Count, results);
            GC.KeepAlive(weights);
            GC.KeepAlive(biases);
            Native.Check(status);
            return [.. results.Select(Owned)];
        }
    }
}
