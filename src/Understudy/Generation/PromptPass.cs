using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>
/// Computes prompts, padded on the left to the same length. What all prompts of a job begin with (an instruction, examples) is computed once and
/// copied into every batch.
/// </summary>
internal sealed class PromptPass : IDisposable
{
    // Below this many tokens, copying their keys and values costs what computing them does.
    private const int WorthSharing = 8;

    private readonly ICausalLanguageModel model;
    private readonly Device device;
    private readonly KeyValueCache? prefix;

    /// <summary>Computes what the prompts share.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">All prompts of the job.</param>
    public PromptPass(ICausalLanguageModel model, IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        this.model = model;
        device = model.Parameters[0].Value.device;
        for (var i = 0; i < prompts.Count; i++) DecodingInput.CheckPrompt(prompts[i], $"Prompt {i}", model);
        var shared = SharedTokens(prompts);
        if (shared < WorthSharing) return;

        PrefixLength = shared;
        prefix = model.NewCache(1, shared);
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var ids = torch.tensor(prompts[0].Take(shared).Select(token => (long)token).ToArray(), 1, shared);
        model.Hidden(ids.to(device), cache: prefix);
    }

    /// <summary>How many tokens of every prompt are computed once for all.</summary>
    public int PrefixLength { get; }

    /// <summary>Computes a batch.</summary>
    /// <param name="prompts">Prompts of the job.</param>
    /// <param name="room">Tokens that the cache can take after them.</param>
    /// <returns>The result; its tensors belong to the caller's dispose scope, its cache has to be disposed.</returns>
    public PromptBatch Run(IReadOnlyList<IReadOnlyList<int>> prompts, int room)
    {
        var length = prompts.Max(prompt => prompt.Count);
        var own = length - PrefixLength;
        var ids = new long[prompts.Count * own];
        var mask = new long[prompts.Count * (length + room)];
        Array.Fill(mask, 1);
        for (var row = 0; row < prompts.Count; row++)
        {
            var padding = length - prompts[row].Count;
            for (var i = PrefixLength; i < prompts[row].Count; i++) ids[(row * own) + padding + i - PrefixLength] = prompts[row][i];
            mask.AsSpan((row * (length + room)) + PrefixLength, padding).Clear();
        }

        var cache = prefix is null ? model.NewCache(prompts.Count, length + room) : prefix.Select(new long[prompts.Count], length + room);
        try
        {
            using var scope = torch.NewDisposeScope();
            var padded = prompts.Any(prompt => prompt.Count != length);
            var wholeMask = padded ? torch.tensor(mask, prompts.Count, length + room).to(device) : null;
            var hidden = model.Hidden(torch.tensor(ids, prompts.Count, own).to(device), wholeMask?.narrow(1, 0, length), cache);
            var logits = model.Logits(hidden.narrow(1, own - 1, 1)).view(prompts.Count, model.VocabularySize);
            if (wholeMask is not null) scope.MoveToOuter(wholeMask);
            return new PromptBatch(cache, scope.MoveToOuter(logits), wholeMask, length);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => prefix?.Dispose();

    /// <summary>How many tokens all prompts begin with; each keeps at least one of its own.</summary>
    private static int SharedTokens(IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        if (prompts.Count < 2) return 0;
        var shared = prompts.Min(prompt => prompt.Count) - 1;
        foreach (var prompt in prompts)
        {
            var same = 0;
            while (same < shared && prompt[same] == prompts[0][same]) same++;
            shared = same;
        }

        return shared;
    }
}

/// <summary>Prompts that were computed.</summary>
/// <param name="Cache">Their keys and values; whoever has the batch disposes it.</param>
/// <param name="Logits">[rows, vocabulary]: what follows each prompt.</param>
/// <param name="Mask">[rows, length + room] int64: 0 at padding, 1 elsewhere, also for what is to come; null when nothing is padded.</param>
/// <param name="Length">Tokens of a padded prompt.</param>
internal sealed record PromptBatch(KeyValueCache Cache, Tensor Logits, Tensor? Mask, int Length);
