namespace Understudy.Torch;

/// <summary>Functions of one number that a step knows. The numbers are those of <c>StepActivation</c> in native/inference/step.h.</summary>
public enum StepActivation
{
    /// <summary>The number itself.</summary>
    None = 0,

    /// <summary>GELU by the error function.</summary>
    Gelu = 1,

    /// <summary>GELU by its tanh approximation.</summary>
    GeluTanh = 2,

    /// <summary>x times sigmoid(x).</summary>
    Silu = 3,

    /// <summary>The larger of x and 0.</summary>
    Relu = 4,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh = 5,

    /// <summary>x times sigmoid(1.702 x).</summary>
    QuickGelu = 6,

    /// <summary>The square of the larger of x and 0.</summary>
    Relu2 = 7,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid = 8,
}

/// <summary>What a token of a step attends to.</summary>
public enum StepSees
{
    /// <summary>Itself and what is before it, or what its row's tree says.</summary>
    Before = 0,

    /// <summary>All tokens of its row.</summary>
    All = 1,

    /// <summary>All tokens of its row's source.</summary>
    Source = 2,
}

/// <summary>Where a table is looked up.</summary>
public enum StepLookup
{
    /// <summary>At a token's id.</summary>
    Ids = 0,

    /// <summary>At its position.</summary>
    Positions = 1,

    /// <summary>At the same row for all tokens.</summary>
    Fixed = 2,

    /// <summary>At its type: which of a row's texts it is of.</summary>
    Types = 3,
}

/// <summary>
/// What a model computes for the new tokens of many rows: operations over numbered buffers, put together once and run in one call. Not for gradients; for the CPU. Not thread-safe. TorchSharp has no such thing.
/// </summary>
/// <remarks>
/// A buffer has a row of numbers for every token of a step, or for every selected one, and an operation refuses buffers of another kind than it says: with a <see cref="TorchException"/>, as everything that does not fit.
/// Matrices and caches stay until the step is disposed, even where they are disposed before it.
/// A row's numbers are the same to the last bit whatever it is computed together with, and however its tokens are divided over steps: every sum runs over its terms in one order.
/// In bfloat16, what goes into products is rounded to it, and sums, norms and the residual stream are float32.
/// </remarks>
public sealed class InferenceStep : IDisposable
{
    private readonly StepHandle handle;

    /// <summary>A step without operations.</summary>
    /// <param name="type">float32 or bfloat16: what its products take.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    public InferenceStep(ScalarType type)
    {
        if (type is not (ScalarType.Float32 or ScalarType.BFloat16)) throw new ArgumentException($"Expected float32 or bfloat16, found {type}.", nameof(type));
        Type = type;
        handle = Native.understudy_step_new(type == ScalarType.BFloat16 ? 1 : 0);
        if (handle.IsInvalid) Native.Check(-1);
    }

    /// <summary>What its products take.</summary>
    public ScalarType Type { get; }

    /// <summary>A new buffer.</summary>
    /// <param name="width">Numbers of a row, at least 1.</param>
    /// <param name="type">float32 or bfloat16.</param>
    /// <param name="selected">Whether it has a row for every selected token rather than for every token.</param>
    /// <returns>Its number, from 0 on.</returns>
    /// <exception cref="ArgumentException">Another type.</exception>
    /// <exception cref="TorchException">The width is below 1.</exception>
    public int Buffer(long width, ScalarType type, bool selected = false)
    {
        if (type is not (ScalarType.Float32 or ScalarType.BFloat16)) throw new ArgumentException($"Expected float32 or bfloat16, found {type}.", nameof(type));
        var id = Native.understudy_step_buffer(handle, width, type == ScalarType.BFloat16 ? 1 : 0, selected ? 1 : 0);
        if (id < 0) Native.Check(-1);
        return id;
    }

    /// <summary>output = scale x rows of a table, or += that.</summary>
    /// <param name="output">A float32 buffer of all tokens, at least as wide as the table.</param>
    /// <param name="table">[rows, width] floating point, on the CPU. In float32 or bfloat16 and contiguous it is read where it is; otherwise a copy.</param>
    /// <param name="lookup">Which row a token takes.</param>
    /// <param name="offset">Added to what is looked up; the row itself for <see cref="StepLookup.Fixed"/>.</param>
    /// <param name="scale">Factor.</param>
    /// <param name="add">Whether it is added to what is there.</param>
    /// <exception cref="TorchException">The buffer or the table is another, or the table has no row <paramref name="offset"/>.</exception>
    public void Embed(int output, Tensor table, StepLookup lookup = StepLookup.Ids, long offset = 0, double scale = 1, bool add = false) =>
        Native.Check(Native.understudy_step_embed(handle, output, table.Handle, (int)lookup, offset, scale, add ? 1 : 0));

    /// <summary>Layer norm, or root mean square norm, of a float32 buffer.</summary>
    /// <param name="input">A float32 buffer of at least features numbers.</param>
    /// <param name="wide">A float32 buffer for the result, with rows of the same tokens as the input and perhaps the input itself; -1 for none.</param>
    /// <param name="narrow">A bfloat16 buffer for the result, with rows of the same tokens; -1 for none.</param>
    /// <param name="weight">[features] floating point, on the CPU.</param>
    /// <param name="bias">[features] or null.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="rootMeanSquare">Whether the mean stays.</param>
    /// <exception cref="TorchException">A buffer, the weight or the bias does not fit.</exception>
    public void Normalize(int input, int wide, int narrow, Tensor weight, Tensor? bias, double eps, bool rootMeanSquare) =>
        Native.Check(Native.understudy_step_normalize(handle, input, wide, narrow, weight.Handle, Tensor.HandleOf(bias), eps, rootMeanSquare ? 1 : 0));

    /// <summary>output = activation(input W^T + bias + beside), or += that.</summary>
    /// <param name="input">A buffer of <see cref="Type"/>, of at least in_features numbers.</param>
    /// <param name="output">Another buffer of at least out_features numbers with rows of the same tokens, float32 where it is added to; -1 for the step's output, which takes rows of selected tokens and is not added to.</param>
    /// <param name="matrix">The matrix W with its bias, packed for <see cref="Type"/> or in few bits.</param>
    /// <param name="activation">The function.</param>
    /// <param name="add">Whether it is added to what is there.</param>
    /// <param name="beside">A float32 buffer of at least out_features numbers with rows of the same tokens; -1 for none.</param>
    /// <exception cref="TorchException">The matrix is packed for the other type, or a buffer does not fit.</exception>
    public void Linear(int input, int output, PackedMatrix matrix, StepActivation activation = StepActivation.None, bool add = false, int beside = -1)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        handle.Hold(matrix.Handle);
        Native.Check(Native.understudy_step_linear(handle, input, output, matrix.Handle, (int)activation, add ? 1 : 0, beside));
    }

    /// <summary>output = activation(input[gateAt ...]) x input[upAt ...].</summary>
    /// <param name="input">A float32 buffer.</param>
    /// <param name="output">Another buffer of either type, of at least <paramref name="width"/> numbers, with rows of the same tokens.</param>
    /// <param name="gateAt">Where in a row the numbers begin that the function is taken of, at least 0.</param>
    /// <param name="upAt">Where the numbers begin that they are multiplied with, at least 0.</param>
    /// <param name="width">Numbers of each, at least 1. The buffer has as many from both places on, rounded up to 16.</param>
    /// <param name="activation">The function.</param>
    /// <exception cref="TorchException">A buffer does not fit.</exception>
    public void Gate(int input, int output, long gateAt, long upAt, long width, StepActivation activation) =>
        Native.Check(Native.understudy_step_gate(handle, input, output, gateAt, upAt, width, (int)activation));

    /// <summary>Splits what a layer made into heads, turns queries and keys by their positions, and puts keys and values into a cache.</summary>
    /// <param name="input">A float32 buffer of all tokens that holds what the layout says.</param>
    /// <param name="query">A buffer of <see cref="Type"/> for the queries, [tokens, heads x dim]; -1 where there are none.</param>
    /// <param name="layout">Where they lie.</param>
    /// <param name="cache">A cache of <see cref="Type"/> with the layout's heads, numbers and layer; null where there are no keys.</param>
    /// <param name="cosine">[positions, rotated] on the CPU, rotated even and at most dim; null for none.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="queryNorm">[dim] of a root mean square norm over a query; null for none.</param>
    /// <param name="keyNorm">[dim] of a root mean square norm over a key; null for none.</param>
    /// <exception cref="TorchException">A buffer, the cache or a table does not fit the layout.</exception>
    public void Heads(int input, int query, in HeadLayout layout, PagedCache? cache, Tensor? cosine = null, Tensor? sine = null, Tensor? queryNorm = null, Tensor? keyNorm = null)
    {
        using var none = new PagesHandle();
        if (cache is not null) handle.Hold(cache.Handle);
        Native.Check(Native.understudy_step_heads(
            handle, input, query, layout, Tensor.HandleOf(queryNorm), Tensor.HandleOf(keyNorm), Tensor.HandleOf(cosine), Tensor.HandleOf(sine), cache?.Handle ?? none));
    }

    /// <summary>Attention over a layer of a cache.</summary>
    /// <param name="query">A buffer of <see cref="Type"/>, [tokens, heads x dim].</param>
    /// <param name="output">A buffer of either type, [tokens, heads x dim].</param>
    /// <param name="layout">Heads and layer.</param>
    /// <param name="cache">A cache of <see cref="Type"/> with the layout's heads, numbers and layer.</param>
    /// <param name="sees">What a token attends to. Where there is nothing, the result is 0.</param>
    /// <param name="scale">Factor on the scores.</param>
    /// <param name="window">Tokens a token sees, itself included, with <see cref="StepSees.Before"/>; 0 for all.</param>
    /// <param name="bias">[heads, 2 x distances + 1] floating point, on the CPU and not with <see cref="StepSees.Source"/>; added to the score of a key by its place less the query's, from -distances on; rows have at most so many tokens and are no trees. Null for none.</param>
    /// <exception cref="TorchException">A buffer, the cache or the biases do not fit the layout.</exception>
    public void Attend(int query, int output, in HeadLayout layout, PagedCache cache, StepSees sees, double scale, long window = 0, Tensor? bias = null)
    {
        ArgumentNullException.ThrowIfNull(cache);
        handle.Hold(cache.Handle);
        Native.Check(Native.understudy_step_attend(handle, query, output, layout.Heads, layout.KeyHeads, layout.Dim, cache.Handle, layout.Layer, (int)sees, window, scale, Tensor.HandleOf(bias)));
    }

    /// <summary>The rows of the selected tokens.</summary>
    /// <param name="input">A buffer with a row for every token.</param>
    /// <param name="output">A buffer of the same width and type with a row for every selected token.</param>
    /// <exception cref="TorchException">A buffer is another.</exception>
    public void Select(int input, int output) => Native.Check(Native.understudy_step_select(handle, input, output));

    /// <summary>For every selected token the mean of the tokens of its row.</summary>
    /// <param name="input">A float32 buffer with a row for every token.</param>
    /// <param name="output">A float32 buffer with a row for every selected token; -1 for the step's output.</param>
    /// <param name="width">Numbers of a token, at least 1; both have them.</param>
    /// <param name="unit">Whether it is scaled to length 1.</param>
    /// <exception cref="TorchException">A buffer does not fit.</exception>
    public void Mean(int input, int output, long width, bool unit) => Native.Check(Native.understudy_step_mean(handle, input, output, width, unit ? 1 : 0));

    /// <summary>Computes a step.</summary>
    /// <param name="batch">Tokens and rows.</param>
    /// <param name="output">[at least selected tokens, at least outputs] float32, contiguous and on the CPU; the first rows and columns are filled. Null where the step has no output, or nothing is selected.</param>
    /// <exception cref="TorchException">A token, its type, its position or a page is out of range, a row is longer than its source or than there are biases, or the output is too small. Nothing is written then.</exception>
    public unsafe void Run(StepBatch batch, Tensor? output)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var rows = batch.NativeRows().ToArray();
        fixed (Native.NativeStepRow* first = rows)
        fixed (int* pages = batch.Pages)
        fixed (ulong* trees = batch.Trees)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                // Offsets until here: the lists may have moved while they grew.
                rows[i].Pages = pages + (nint)rows[i].Pages;
                rows[i].SourcePages = pages + (nint)rows[i].SourcePages;
                rows[i].Tree = rows[i].Tree is null ? null : trees + (nint)rows[i].Tree - 1;
            }

            Native.Check(Native.understudy_step_run(handle, batch.Ids, batch.Positions, batch.Tokens, batch.Types, batch.Types.Length, first, rows.Length, batch.Selected, batch.Selected.Length, Tensor.HandleOf(output)));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();
}
