using System.Text;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Weights from a checkpoint. <see cref="Finish"/> reports everything that did not fit in one error.</summary>
public sealed class CheckpointParameters : IParameterSource, IDisposable
{
    // Buffers that older versions of transformers saved beside the weights; they are computed, not learned.
    private static readonly string[] LegacyBuffers =
        [".attention.bias", ".attention.masked_bias", ".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq", "embeddings.position_ids", "embeddings.token_type_ids",
         "encoder.version", "decoder.version", ".EncDecAttention.relative_attention_bias.weight"];

    private readonly Checkpoint checkpoint;
    private readonly IReadOnlyList<string> prefixes;
    private readonly IParameterSource? fallback;
    private readonly LoadOptions options;
    private readonly HashSet<string> used = [];
    private readonly List<string> missing = [];
    private readonly List<string> misshapen = [];
    private readonly List<string> fresh = [];

    /// <summary>Opens a checkpoint for reading weights from it.</summary>
    /// <param name="folder">A Hugging Face model folder.</param>
    /// <param name="basePrefix">Prefix that the base model's weights have in the full model and may lack in the file (<c>bert.</c>), or the other way round.</param>
    /// <param name="fallback">Makes the weights that the file lacks, for a head that is trained next; null: a missing weight is an error.</param>
    /// <param name="options">How the weights are held; null for float32 on the CPU.</param>
    /// <exception cref="InvalidDataException">No checkpoint that can be read.</exception>
    public CheckpointParameters(string folder, string basePrefix = "", IParameterSource? fallback = null, LoadOptions? options = null)
    {
        checkpoint = Checkpoint.Open(folder);
        prefixes = basePrefix.Length == 0 ? [] : [basePrefix];
        this.fallback = fallback;
        this.options = options ?? new LoadOptions();
    }

    /// <summary>Names of the weights that the file lacked and that are new.</summary>
    public IReadOnlyList<string> NewParameters => fresh;

    /// <summary>Other names of weights that models share: a file may have one of them instead, or copies under several.</summary>
    public IDictionary<string, IReadOnlyList<string>> OtherNames { get; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Whether the checkpoint has a weight under this name.</summary>
    public bool Contains(string name) => Find(name) is not null;

    /// <inheritdoc/>
    public bool Has(string name) => fallback is not null || Contains(name);

    /// <inheritdoc/>
    public bool HasOwn(string name, string main) => FindOne(name) is { } own && Find(main) is { } other && !AreEqual(own, other);

    /// <inheritdoc/>
    public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        using var scope = torch.NewDisposeScope();
        if (IsFresh(name) || Find(name) is not { } stored)
        {
            if (fallback is not null)
            {
                fresh.Add(name);
                return DisposeScope.Detach(fallback.Take(name, init, shape));
            }

            missing.Add($"{name} [{string.Join(", ", shape.ToArray())}]");
            return DisposeScope.Detach(torch.empty(shape));
        }

        used.Add(stored.Entry.Name);
        foreach (var copy in Others(name).Select(FindOne).OfType<CheckpointTensor>().Where(copy => AreEqual(copy, stored))) used.Add(copy.Entry.Name);
        if (!shape.SequenceEqual(stored.Entry.Shape))
        {
            misshapen.Add($"{name}: expected [{string.Join(", ", shape.ToArray())}], found [{string.Join(", ", stored.Entry.Shape)}]");
            return DisposeScope.Detach(torch.empty(shape));
        }

        return DisposeScope.Detach(MappedTensors.Copy(stored, options.DType, options.Device)).requires_grad_();
    }

    /// <inheritdoc/>
    public bool QuantizesOutput => options.QuantizeOutput;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file has the matrix in 4 bits, and it is damaged.</exception>
    public ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout = LinearLayout.OutIn, bool quantizable = true)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Find(name + Nf4State.Suffix) is { } state) return Stored(name, state, inFeatures, outFeatures);
        var shape = layout == LinearLayout.InOut ? new[] { inFeatures, outFeatures } : [outFeatures, inFeatures];
        if (!quantizable || options.Quantization == WeightQuantization.None || IsFresh(name) || Find(name) is not { } stored || !shape.AsSpan().SequenceEqual(stored.Entry.Shape))
            return new DenseWeight(name, Take(name, ParameterInit.Normal, shape), layout);
        used.Add(stored.Entry.Name);
        using var scope = torch.NewDisposeScope();
        var matrix = MappedTensors.View(stored);
        var type = options.DType ?? matrix.dtype;
        // As transformers does it, the type is narrowed before the bits are; widening changes no number and would only take memory.
        if (type.ElementSize() < matrix.dtype.ElementSize()) matrix = matrix.to(type);
        if (layout == LinearLayout.InOut) matrix = matrix.t().contiguous();
        return options.Quantization == WeightQuantization.Nf4
            ? Nf4Weight.Quantize(name, matrix, options.Nf4BlockSize, options.Nf4DoubleQuantization, options.Device, type)
            : Int8Weight.Quantize(name, matrix, options.Device, type);
    }

    /// <summary>Checks that everything fitted.</summary>
    /// <exception cref="InvalidDataException">Missing, unexpected or wrong-shaped weights; all of them are listed.</exception>
    public void Finish()
    {
        var unexpected = checkpoint.Names.Where(name => !used.Contains(name) && !IsIgnorable(name)).ToList();
        if (missing.Count == 0 && misshapen.Count == 0 && unexpected.Count == 0)
        {
            return;
        }

        var text = new StringBuilder($"The weights in {checkpoint.Path} do not fit the model that its config.json describes.");
        List(text, "Missing", missing);
        List(text, "Unexpected", unexpected);
        List(text, "Wrong shape", misshapen);
        text.Append(" Is this the checkpoint of another architecture, or an interrupted save?");
        throw new InvalidDataException(text.ToString());
    }

    /// <summary>Weights of heads that the model does not have; they are left out without an error.</summary>
    public IList<string> IgnoredPrefixes { get; } = [];

    /// <summary>Weights that are made anew although the checkpoint may have some under these names: the head for other labels.</summary>
    public IList<string> FreshPrefixes { get; } = [];

    /// <inheritdoc/>
    public void Dispose() => checkpoint.Dispose();

    // A matrix that the file has in 4 bits. bitsandbytes keeps GPT-2's transposed ones as [out, in], too.
    private Nf4Weight Stored(string name, CheckpointTensor stateTensor, long inFeatures, long outFeatures)
    {
        var stem = stateTensor.Entry.Name[..^Nf4State.Suffix.Length];
        used.Add(stateTensor.Entry.Name);
        using var scope = torch.NewDisposeScope();
        var state = Nf4State.Parse(stateTensor.File.BytesOf(stateTensor.Entry), $"{checkpoint.Path}: '{stateTensor.Entry.Name}'");
        if ((state.OutFeatures, state.InFeatures) != (outFeatures, inFeatures))
            throw new InvalidDataException($"{checkpoint.Path}: '{stem}' is a matrix of [{state.OutFeatures}, {state.InFeatures}] in 4 bits; config.json makes it [{outFeatures}, {inFeatures}]. Is this the checkpoint of another architecture?");
        return Nf4Weight.Read(name, state, Part, options.Device, checkpoint.Path);

        Tensor Part(string suffix)
        {
            if (!checkpoint.TryGet(stem + suffix, out var part))
                throw new InvalidDataException($"{checkpoint.Path}: '{stem}' is in 4 bits, and '{stem}{suffix}', which belongs to it, is missing. Is this an interrupted save?");
            used.Add(part.Entry.Name);
            // The codes may be stored as if they were of another type (bnb_4bit_quant_storage); their bytes are the same.
            var view = suffix.Length == 0 ? MappedTensors.Bytes(part).view(-1, 1) : MappedTensors.View(part);
            return view.to(view.dtype, options.Device, copy: true);
        }
    }

    private bool IsFresh(string name) => FreshPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    private bool IsIgnorable(string name) =>
        LegacyBuffers.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal)) ||
        IgnoredPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    private IReadOnlyList<string> Others(string name) => OtherNames.TryGetValue(name, out var others) ? others : [];

    private static bool AreEqual(CheckpointTensor one, CheckpointTensor other)
    {
        if (one.Entry.Name == other.Entry.Name) return true;
        if (one.Entry.DType != other.Entry.DType || !one.Entry.Shape.SequenceEqual(other.Entry.Shape)) return false;
        using var scope = torch.NewDisposeScope();
        return MappedTensors.View(one).eq(MappedTensors.View(other)).all().item<bool>();
    }

    private CheckpointTensor? Find(string name) => FindOne(name) ?? Others(name).Select(FindOne).FirstOrDefault(found => found is not null);

    private CheckpointTensor? FindOne(string name)
    {
        foreach (var spelling in Spellings(name))
        {
            if (checkpoint.TryGet(spelling, out var found))
            {
                return found;
            }
        }

        return null;
    }

    private IEnumerable<string> Spellings(string name)
    {
        yield return name;
        foreach (var variant in prefixes.Select(prefix => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : prefix + name))
        {
            yield return variant;
            yield return Legacy(variant);
        }

        yield return Legacy(name);
    }

    // TensorFlow's names, which the first BERT checkpoints carried over.
    private static string Legacy(string name) => name
        .Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal)
        .Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal);

    private static void List(StringBuilder text, string kind, List<string> names)
    {
        if (names.Count > 0)
        {
            text.Append($" {kind} ({names.Count}): {string.Join("; ", names)}.");
        }
    }
}
