using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>A text that rows attend to.</summary>
/// <param name="Tokens">Its tokens, at least one.</param>
/// <param name="Pages">Where its keys and values go.</param>
internal readonly record struct StepSource(ReadOnlyMemory<int> Tokens, ReadOnlyMemory<int> Pages);

/// <summary>
/// A model as inference on the CPU takes it: matrices packed once, operations written down once, keys and values in pages. Not thread-safe.
/// </summary>
/// <remarks>It holds a copy of the matrices and reads the model's other weights where they are; it serves as long as no weight changes: see <see cref="Of"/>.</remarks>
internal sealed class PackedModel : IDisposable
{
    // Tables of rotary positions that short rows never see would be larger than a small model.
    private const int FirstPositions = 4096;

    // Enough for products to be at their rate, and buffers stay small.
    private const int EncodedAtOnce = 2048;

    private static readonly ConditionalWeakTable<IPretrainedModel, PackedModel> Known = [];

    private readonly IStepModel model;
    private readonly PackedWeights weights;
    private long fingerprint;
    private bool isAlone;
    private readonly PagedCache? encoderCache;
    private InferenceStep? step;
    private InferenceStep? encoder;
    private int positions;
    private int sourcePositions;

    private PackedModel(IStepModel model, ScalarType type, long fingerprint)
    {
        (this.model, this.fingerprint, Type) = (model, fingerprint, type);
        weights = new PackedWeights(type);
        var shape = model.StepShape;
        Cache = new PagedCache(shape.Layers, shape.KeyHeads, shape.HeadDim, type);
        Pages = new PagePool(Cache);
        Prefixes = new PrefixCache(Pages);
        if (model is not ISourceStepModel { EncoderShape: var own }) return;
        SourceCache = new PagedCache(shape.SourceLayers, shape.KeyHeads, shape.HeadDim, type);
        SourcePages = new PagePool(SourceCache);
        encoderCache = new PagedCache(own.Layers, own.KeyHeads, own.HeadDim, type);
    }

    /// <summary>What its products take: float32 or bfloat16.</summary>
    internal ScalarType Type { get; }

    /// <summary>Keys and values of rows.</summary>
    internal PagedCache Cache { get; }

    /// <summary>Who has which page of <see cref="Cache"/>.</summary>
    internal PagePool Pages { get; }

    /// <summary>Beginnings that were computed before.</summary>
    internal PrefixCache Prefixes { get; }

    /// <summary>Keys and values of sources; null where there are none.</summary>
    internal PagedCache? SourceCache { get; }

    /// <summary>Who has which page of <see cref="SourceCache"/>; null where there are no sources.</summary>
    internal PagePool? SourcePages { get; }

    /// <summary>Numbers of a selected token's output.</summary>
    internal int Outputs => model.StepOutputs;

    /// <summary>The packed form of a model in the type that products are taken in now: that of autocast, or that of the weights. It is made at the first call and after a weight or an adapter has changed.</summary>
    /// <param name="model">The model.</param>
    /// <returns>
    /// It belongs to the model; null where it cannot be packed: on another device than the CPU, in another type than float32 and bfloat16, with a DoRA adapter beside weights in few bits, with dynamic rotary positions or
    /// an activation that steps do not know, and a kind of model that has no step, such as BART as a classifier.
    /// </returns>
    /// <exception cref="InvalidOperationException">The model's own weights were given back, and it is packed in another type or with other adapters.</exception>
    internal static PackedModel? Of(IPretrainedModel model)
    {
        if (TypeOf(model) is not { } type || model is not IStepModel { StepObstacle: null } own || PackedWeights.Obstacle(model) is not null) return null;
        var fingerprint = Fingerprint(model);
        if (Known.TryGetValue(model, out var known))
        {
            if (known.Type == type && known.fingerprint == fingerprint) return known;
            if (known.isAlone) throw new InvalidOperationException($"The model's own weights were given back when it was packed in {known.Type}. Load it again for {type}, or for other adapters.");
            Forget(model);
        }

        var packed = new PackedModel(own, type, fingerprint);
        Known.Add(model, packed);
        return packed;
    }

    /// <summary>Frees the packed form of a model. The next call of <see cref="Of"/> makes it again.</summary>
    internal static void Forget(IPretrainedModel model)
    {
        if (!Known.TryGetValue(model, out var known)) return;
        Known.Remove(model);
        known.Dispose();
    }

    /// <summary>Gives back the matrices that the packed ones are copies of. The model computes in its packed form alone from then on, in the type that it was packed in.</summary>
    internal void GiveBackSource()
    {
        Reach(1);
        if (model is ISourceStepModel own) ReachSource(own, 1);
        var stored = model.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        foreach (var layer in model.Linears)
        {
            foreach (var (name, value) in layer.Weight.Parameters)
            {
                // An output layer that shares its weight with an embedding has it under the embedding's name.
                if (layer.Weight is DenseWeight && stored.TryGetValue(name, out var held) && held == value) torch.clear(value);
            }
        }

        (isAlone, fingerprint) = (true, Fingerprint(model));
    }

    /// <summary>Computes a step.</summary>
    /// <param name="batch">Tokens and rows; pages are those of <see cref="Cache"/> and <see cref="SourceCache"/>.</param>
    /// <param name="longest">One more than the largest position.</param>
    /// <param name="output">[at least selected tokens, <see cref="Outputs"/>] float32; null where nothing is selected.</param>
    internal void Run(StepBatch batch, int longest, Tensor? output)
    {
        Reach(longest);
        if (model.StepPadding is { } padding && batch.Has(padding)) batch.CountWithout(padding);
        step!.Run(batch, output);
    }

    /// <summary>Computes the keys and values of sources into <see cref="SourceCache"/>, where rows read them.</summary>
    /// <param name="sources">Tokens and pages of each, one page for every <see cref="PagedCache.PageTokens"/> tokens begun.</param>
    /// <exception cref="InvalidOperationException">The model has no sources.</exception>
    internal void Encode(IReadOnlyList<StepSource> sources)
    {
        if (model is not ISourceStepModel own) throw new InvalidOperationException($"{model.GetType().Name} reads no sources.");
        if (sources.Count == 0) return;
        ReachSource(own, sources.Max(source => source.Tokens.Length));
        var batch = new StepBatch();
        var scratch = new List<int>();
        foreach (var (tokens, pages) in sources)
        {
            if (batch.Tokens > 0 && batch.Tokens + tokens.Length > EncodedAtOnce) Run();
            var first = scratch.Count;
            for (var i = 0; i < tokens.Length; i += PagedCache.PageTokens) scratch.Add(scratch.Count);
            batch.Add(tokens.Span, 0, CollectionsMarshal.AsSpan(scratch)[first..], tokens.Length, pages.Span);
        }

        if (batch.Tokens > 0) Run();

        void Run()
        {
            encoderCache!.Reserve(scratch.Count);
            encoder!.Run(batch, null);
            batch.Clear();
            scratch.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        step?.Dispose();
        encoder?.Dispose();
        step = encoder = null;
        weights.Dispose();
        Cache.Dispose();
        encoderCache?.Dispose();
        SourceCache?.Dispose();
    }

    private static ScalarType? TypeOf(IPretrainedModel model)
    {
        var weight = model.Parameters[0].Value;
        if (weight.device.type != DeviceType.CPU) return null;
        var type = torch.autocast_dtype() ?? weight.dtype;
        return type is ScalarType.Float32 or ScalarType.BFloat16 ? type : null;
    }

    private static long Fingerprint(IPretrainedModel model)
    {
        var hash = new HashCode();
        foreach (var (_, value) in model.Parameters) hash.Add(torch.version(value));
        foreach (var layer in model.Linears)
        {
            hash.Add(layer.Adapter is null ? 0 : RuntimeHelpers.GetHashCode(layer.Adapter));
            foreach (var (_, value) in (layer.Adapter as IAdapterLayer)?.Parameters ?? []) hash.Add(torch.version(value));
        }

        return hash.ToHashCode();
    }

    // Steps that take so many positions, or all that the model has: a step refuses what is longer.
    private void Reach(int longest)
    {
        if (step is not null && positions >= Math.Min(longest, model.MaxLength)) return;
        step?.Dispose();
        step = null;
        step = Built(model.Build, Cache, positions = PositionsFor(longest));
    }

    private void ReachSource(ISourceStepModel own, int longest)
    {
        if (encoder is not null && sourcePositions >= Math.Min(longest, model.MaxLength)) return;
        encoder?.Dispose();
        encoder = null;
        encoder = Built(own.BuildSource, encoderCache, sourcePositions = PositionsFor(longest));
    }

    private int PositionsFor(int longest) => Math.Min(model.MaxLength, Math.Max(FirstPositions, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)longest)));

    private InferenceStep Built(Action<StepBuilder> build, PagedCache? cache, int reach)
    {
        var fresh = new InferenceStep(Type);
        try
        {
            build(new StepBuilder(fresh, weights, cache, SourceCache, reach));
            return fresh;
        }
        catch
        {
            fresh.Dispose();
            throw;
        }
    }
}
