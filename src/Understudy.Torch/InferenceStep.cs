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
/// A row's numbers are the same to the last bit whatever it is computed together with, and however its tokens are divided over steps: every sum runs over its terms in one order.
/// In bfloat16, what goes into products is rounded to it, and sums, norms and the residual stream are float32.
/// </remarks>
public sealed class InferenceStep : IDisposable
{
    private readonly StepHandle handle;
    private readonly List<object> inUse = [];

    /// <summary>A step without operations.</summary>
    /// <param name="type">float32 or bfloat16: what its products take.</param>
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
    /// <param name="width">Numbers of a row.</param>
    /// <param name="type">float32 or bfloat16.</param>
    /// <param name="selected">Whether it has a row for every selected token rather than for every token.</param>
    /// <returns>Its number.</returns>
    public int Buffer(long width, ScalarType type, bool selected = false)
    {
        var id = Native.understudy_step_buffer(handle, width, type == ScalarType.BFloat16 ? 1 : 0, selected ? 1 : 0);
        if (id < 0) Native.Check(-1);
        return id;
    }

    /// <summary>output = scale x rows of a table, or += that.</summary>
    /// <param name="output">A float32 buffer.</param>
    /// <param name="table">[rows, width].</param>
    /// <param name="lookup">Which row a token takes.</param>
    /// <param name="offset">Added to what is looked up; the row itself for <see cref="StepLookup.Fixed"/>.</param>
    /// <param name="scale">Factor.</param>
    /// <param name="add">Whether it is added to what is there.</param>
    public void Embed(int output, Tensor table, StepLookup lookup = StepLookup.Ids, long offset = 0, double scale = 1, bool add = false) =>
        Native.Check(Native.understudy_step_embed(handle, output, table.Handle, (int)lookup, offset, scale, add ? 1 : 0));

    /// <summary>Layer norm, or root mean square norm, of a float32 buffer.</summary>
    /// <param name="input">A float32 buffer.</param>
    /// <param name="wide">A float32 buffer for the result; -1 for none.</param>
    /// <param name="narrow">A bfloat16 buffer for the result; -1 for none.</param>
    /// <param name="weight">[features].</param>
    /// <param name="bias">[features] or null.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="rootMeanSquare">Whether the mean stays.</param>
    public void Normalize(int input, int wide, int narrow, Tensor weight, Tensor? bias, double eps, bool rootMeanSquare) =>
        Native.Check(Native.understudy_step_normalize(handle, input, wide, narrow, weight.Handle, Tensor.HandleOf(bias), eps, rootMeanSquare ? 1 : 0));

    /// <summary>output = activation(input W^T + bias + beside), or += that.</summary>
    /// <param name="input">A buffer of <see cref="Type"/>.</param>
    /// <param name="output">A buffer, float32 where it is added to; -1 for the step's output.</param>
    /// <param name="matrix">The matrix; it is kept alive.</param>
    /// <param name="activation">The function.</param>
    /// <param name="add">Whether it is added to what is there.</param>
    /// <param name="beside">A float32 buffer; -1 for none.</param>
    public void Linear(int input, int output, PackedMatrix matrix, StepActivation activation = StepActivation.None, bool add = false, int beside = -1)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        inUse.Add(matrix);
        Native.Check(Native.understudy_step_linear(handle, input, output, matrix.Handle, (int)activation, add ? 1 : 0, beside));
    }

    /// <summary>output = activation(input[gateAt ...]) x input[upAt ...].</summary>
    public void Gate(int input, int output, long gateAt, long upAt, long width, StepActivation activation) =>
        Native.Check(Native.understudy_step_gate(handle, input, output, gateAt, upAt, width, (int)activation));

    /// <summary>Splits what a layer made into heads, turns queries and keys by their positions, and puts keys and values into a cache.</summary>
    /// <param name="input">A float32 buffer.</param>
    /// <param name="query">A buffer of <see cref="Type"/> for the queries, [tokens, heads x dim]; -1 where there are none.</param>
    /// <param name="layout">Where they lie.</param>
    /// <param name="cache">The cache; null where there are no keys.</param>
    /// <param name="cosine">[positions, rotated]; null for none.</param>
    /// <param name="sine">[positions, rotated]; null for none.</param>
    /// <param name="queryNorm">[dim] of a root mean square norm over a query; null for none.</param>
    /// <param name="keyNorm">[dim] of a root mean square norm over a key; null for none.</param>
    public void Heads(int input, int query, in HeadLayout layout, PagedCache? cache, Tensor? cosine = null, Tensor? sine = null, Tensor? queryNorm = null, Tensor? keyNorm = null)
    {
        using var none = new PagesHandle();
        if (cache is not null) inUse.Add(cache);
        Native.Check(Native.understudy_step_heads(
            handle, input, query, layout, Tensor.HandleOf(queryNorm), Tensor.HandleOf(keyNorm), Tensor.HandleOf(cosine), Tensor.HandleOf(sine), cache?.Handle ?? none));
    }

    /// <summary>Attention over a layer of a cache.</summary>
    /// <param name="query">A buffer of <see cref="Type"/>, [tokens, heads x dim].</param>
    /// <param name="output">A buffer, [tokens, heads x dim].</param>
    /// <param name="layout">Heads and layer.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="sees">What a token attends to.</param>
    /// <param name="scale">Factor on the scores.</param>
    /// <param name="window">Tokens a token sees, itself included; 0 for all.</param>
    /// <param name="bias">[heads, 2 x distances + 1], added to the score of a key by its place less the query's, from -distances on; rows have at most so many tokens. Null for none.</param>
    public void Attend(int query, int output, in HeadLayout layout, PagedCache cache, StepSees sees, double scale, long window = 0, Tensor? bias = null)
    {
        ArgumentNullException.ThrowIfNull(cache);
        inUse.Add(cache);
        Native.Check(Native.understudy_step_attend(handle, query, output, layout.Heads, layout.KeyHeads, layout.Dim, cache.Handle, layout.Layer, (int)sees, window, scale, Tensor.HandleOf(bias)));
    }

    /// <summary>The rows of the selected tokens.</summary>
    public void Select(int input, int output) => Native.Check(Native.understudy_step_select(handle, input, output));

    /// <summary>For every selected token the mean of the tokens of its row.</summary>
    /// <param name="input">A float32 buffer with a row for every token.</param>
    /// <param name="output">A float32 buffer with a row for every selected token; -1 for the step's output.</param>
    /// <param name="width">Numbers of a token.</param>
    /// <param name="unit">Whether it is scaled to length 1.</param>
    public void Mean(int input, int output, long width, bool unit) => Native.Check(Native.understudy_step_mean(handle, input, output, width, unit ? 1 : 0));

    /// <summary>Computes a step.</summary>
    /// <param name="batch">Tokens and rows.</param>
    /// <param name="output">[at least selected tokens, outputs] float32, filled; null where the step has no output.</param>
    /// <exception cref="TorchException">A token, a position or a page is out of range.</exception>
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

            var status = Native.understudy_step_run(handle, batch.Ids, batch.Positions, batch.Tokens, batch.Types, batch.Types.Length, first, rows.Length, batch.Selected, batch.Selected.Length, Tensor.HandleOf(output));
            GC.KeepAlive(inUse);
            Native.Check(status);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();
}
