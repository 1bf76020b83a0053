using Understudy.Torch;

namespace Understudy.Models;

/// <summary>
/// A matrix in NF4 (Dettmers et al., arXiv 2305.14314): every block of numbers has the scale that brings its largest to 1, and each number is the nearest of 16 levels,
/// the quantiles of a normal distribution. It is made dense where a product needs it, forward and backward, and not kept. Bytes and names are those of bitsandbytes.
/// </summary>
public sealed class Nf4Weight : ILinearWeight
{
    /// <summary>Block sizes that bitsandbytes knows.</summary>
    public static IReadOnlyList<int> BlockSizes { get; } = [32, 64, 128, 256, 512, 1024, 2048, 4096];

    private const int NestedBlockSize = 256;

    private readonly QuantizedMatrix matrix;
    private readonly ScalarType type;

    private Nf4Weight(QuantizedMatrix matrix, ScalarType type, IReadOnlyList<NamedParameter> parameters)
    {
        this.matrix = matrix;
        this.type = type;
        Parameters = parameters;
    }

    /// <summary>Codes and scales.</summary>
    internal QuantizedMatrix Matrix => matrix;

    /// <inheritdoc/>
    public long InFeatures => matrix.Columns;

    /// <inheritdoc/>
    public long OutFeatures => matrix.Rows;

    /// <summary>Numbers that share a scale.</summary>
    public int BlockSize => matrix.BlockSize;

    /// <summary>Whether the scales are quantised too: 4.127 bits a number instead of 4.5 at blocks of 64.</summary>
    public bool DoubleQuantization => matrix.NestedMap is not null;

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>Quantises a matrix.</summary>
    /// <param name="name">Its name in a checkpoint, <c>X.weight</c>.</param>
    /// <param name="source">[out_features, in_features], floating point; read, not kept.</param>
    /// <param name="blockSize">One of <see cref="BlockSizes"/>.</param>
    /// <param name="doubleQuantization">Whether the scales are quantised too.</param>
    /// <param name="device">Where it is put; the CPU when null.</param>
    /// <param name="type">The type it counts as before it was quantised; that of <paramref name="source"/> when null.</param>
    public static Nf4Weight Quantize(string name, Tensor source, int blockSize = 64, bool doubleQuantization = true, Device? device = null, ScalarType? type = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!BlockSizes.Contains(blockSize)) throw new ArgumentOutOfRangeException(nameof(blockSize), blockSize, $"Expected a block of {string.Join(", ", BlockSizes)} numbers.");
        using var scope = torch.NewDisposeScope();
        var (rows, columns) = (source.size(0), source.size(1));
        var state = new Nf4State(blockSize, type ?? source.dtype, rows, columns);
        var (codes, scales) = QuantizedMatrix.nf4_quantize(source, blockSize);
        if (!doubleQuantization) return New(name, state, device, codes, scales, QuantizedMatrix.nf4_levels());
        var (small, nestedScales, map, offset) = QuantizedMatrix.nf4_quantize_scales(scales, NestedBlockSize);
        state = state with { NestedBlockSize = NestedBlockSize, NestedOffset = offset };
        return New(name, state, device, codes, small, QuantizedMatrix.nf4_levels(), map, nestedScales);
    }

    /// <summary>Takes over what a checkpoint holds of a matrix.</summary>
    /// <param name="name">Its name in this model, <c>X.weight</c>.</param>
    /// <param name="state">What the checkpoint says of it.</param>
    /// <param name="read">Reads what is stored under the matrix's name and a suffix, as a view or a copy that belongs to the current scope.</param>
    /// <param name="device">Where it is put.</param>
    /// <param name="where">The checkpoint, for messages.</param>
    /// <exception cref="InvalidDataException">A part is missing or has another size.</exception>
    internal static Nf4Weight Read(string name, Nf4State state, Func<string, Tensor> read, Device device, string where)
    {
        using var scope = torch.NewDisposeScope();
        var levels = read(".quant_map").to(ScalarType.Float32);
        if (!levels.ToArray<float>().AsSpan().SequenceEqual(QuantizedMatrix.nf4_levels().ToArray<float>()))
            throw new InvalidDataException($"{where}: '{name}.quant_map' has other levels than NF4. Quantise the original checkpoint again, or let it be quantised when it is loaded.");
        Tensor[] nested = state.NestedBlockSize is null ? [] : [read(".nested_quant_map").to(ScalarType.Float32), read(".nested_absmax").to(ScalarType.Float32)];
        var scales = read(".absmax");
        var weight = New(name, state, device, read(""), state.NestedBlockSize is null ? scales.to(ScalarType.Float32) : scales, [levels, .. nested]);
        try
        {
            // The kernels check the sizes of all parts; a row of zeros is the least to ask of them.
            using var gradients = torch.no_grad();
            _ = weight.Apply(torch.zeros([1, state.InFeatures], device: device), null);
            return weight;
        }
        catch (TorchException error)
        {
            foreach (var parameter in weight.Parameters) parameter.Value.Dispose();
            throw new InvalidDataException($"{where}: the parts of '{name}' do not belong together: {error.Message} Is the file damaged, or an interrupted save?", error);
        }
    }

    /// <inheritdoc/>
    public Tensor Apply(Tensor x, Tensor? bias) => matrix.linear(x, bias);

    /// <inheritdoc/>
    public Tensor Dense() => matrix.dense(type);

    // others: levels, and with double quantisation what the 8-bit scales stand for and their own scales.
    private static Nf4Weight New(string name, Nf4State state, Device? device, Tensor codes, Tensor scales, params ReadOnlySpan<Tensor> others)
    {
        var place = device ?? Device.CPU;
        var matrix = new QuantizedMatrix(Kept(codes), Kept(scales), state.OutFeatures, state.InFeatures) { BlockSize = state.BlockSize };
        var parameters = new List<NamedParameter>
        {
            new(name, matrix.Codes),
            new($"{name}.absmax", matrix.Scales),
            new($"{name}.quant_map", Kept(others[0])),
        };
        if (state.NestedBlockSize is { } nested)
        {
            matrix = matrix with { NestedMap = Kept(others[1]), NestedScales = Kept(others[2]), NestedBlockSize = nested, Offset = state.NestedOffset };
            parameters.Add(new($"{name}.nested_absmax", matrix.NestedScales));
            parameters.Add(new($"{name}.nested_quant_map", matrix.NestedMap));
        }

        parameters.Add(new(name + Nf4State.Suffix, DisposeScope.Detach(torch.tensor(state.ToBytes()))));
        return new Nf4Weight(matrix, state.DType, parameters);

        Tensor Kept(Tensor tensor) => DisposeScope.Detach(tensor.to(tensor.dtype, place));
    }
}
