using System.Text.Json;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Parity;

/// <summary>Really trained models against stored logits, token ids and texts: a <c>reference.json</c> beside the weights, or a file of ids beside the folders of models.</summary>
public static class StoredGenerationParity
{
    private const string FileName = "reference.json";
    private const string TargetIds = "greedy_decoder_ids";

    /// <summary>Whether a folder holds a model and what it generates.</summary>
    public static bool Recognises(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file) || !File.Exists(Path.Combine(folder, ConfigJson.FileName))) return false;
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.ValueKind == JsonValueKind.Object && (document.RootElement.TryGetProperty("greedy_ids", out _) || Rows(document.RootElement).Any(row => row.TryGetProperty(TargetIds, out _)));
    }

    /// <summary>Compares a model folder with its <c>reference.json</c>.</summary>
    /// <exception cref="InvalidDataException">The folder is damaged.</exception>
    public static IEnumerable<ParityCheck> Run(string folder) => ReferenceJson.Read(Path.Combine(folder, FileName), root =>
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        return root.TryGetProperty("greedy_ids", out var ids) ? Causal(folder, root, ReferenceJson.Integers(ids)) : Targets(folder, root);
    });

    /// <summary>Compares the model of the same name, in the folder <c>models</c> beside the file's, with the ids of a file.</summary>
    /// <param name="file">A list of rows with <c>input_ids</c>, <c>greedy</c> and <c>beam_N</c>.</param>
    /// <exception cref="InvalidDataException">The file or the folder is damaged.</exception>
    public static IEnumerable<ParityCheck> RunFile(string file)
    {
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "..", "models", Path.GetFileNameWithoutExtension(file));
        if (!Directory.Exists(folder)) return [ParityCheck.Skip("all", $"there is no model {Path.GetFullPath(folder)}")];
        return ReferenceJson.Read(file, root =>
        {
            using var scope = torch.NewDisposeScope();
            using var model = AutoModel.LoadSequenceToSequenceModel(folder);
            var config = GenerationConfig.FromFolder(folder);
            List<JsonElement> rows = [.. root.EnumerateArray()];
            int[][] sources = [.. rows.Select(row => ReferenceJson.Integers(row.GetProperty("input_ids")))];
            var checks = new List<ParityCheck>();
            foreach (var name in rows[0].EnumerateObject().Select(property => property.Name).Where(name => name == "greedy" || name.StartsWith("beam_", StringComparison.Ordinal)))
            {
                var found = name == "greedy"
                    ? new TextGenerator(model, config.Processors(1), doSample: false, config.Stop(1, _ => "")).Generate([.. sources.Select(source => new GenerationPrompt(source))]).ToDictionary(text => text.Prompt, text => text.Tokens)
                    : new BeamSearch(model, config.Processors(1), config.Beams with { NumBeams = int.Parse(name["beam_".Length..], System.Globalization.CultureInfo.InvariantCulture) }, config.Stop(1, _ => "")).Generate(sources).ToDictionary(text => text.Prompt, text => text.Tokens);
                var unequal = rows.Where((row, i) => !ReferenceJson.Integers(row.GetProperty(name)).SequenceEqual([model.DecoderStartTokenId, .. found[i]])).Count();
                checks.Add(ParityCheck.Of(name, unequal, 0, $"{rows.Count} texts"));
            }

            return (IEnumerable<ParityCheck>)checks;
        });
    }

    private static IEnumerable<JsonElement> Rows(JsonElement root) =>
        root.TryGetProperty("ref", out var rows) && rows.ValueKind == JsonValueKind.Array ? rows.EnumerateArray().Where(row => row.ValueKind == JsonValueKind.Object) : [];

    private static List<ParityCheck> Causal(string folder, JsonElement root, int[] ids)
    {
        using var model = AutoModel.LoadCausalLanguageModel(folder);
        var config = GenerationConfig.FromFolder(folder);
        // The reference begins with one token and goes on to the length it has, or to the end of the text.
        int[] eos = [.. config.EosTokenIds.Where(id => id == ids[^1])];
        var generator = new TextGenerator(model, [], doSample: false, new StopCondition(eos, [], ids.Length - 1, _ => ""));
        int[] found = [ids[0], .. generator.Generate([new GenerationPrompt([ids[0]])]).Single().Tokens];
        var checks = new List<ParityCheck> { ParityCheck.Of("greedy_ids", found.AsSpan().SequenceEqual(ids) ? 0 : 1, 0, $"{ids.Length} tokens, {found.Zip(ids).TakeWhile(pair => pair.First == pair.Second).Count()} equal from the beginning on") };
        if (root.TryGetProperty("first3_logits", out var first))
        {
            double[][] expected = [.. first.EnumerateArray().Select(ReferenceJson.Doubles)];
            checks.Add(ParityCheck.Of("first3_logits", Difference(Logits(model, ids[..expected.Length]), [.. expected.SelectMany(row => row)]), ModelTolerances.Logits, $"{expected.Length} places"));
        }

        List<JsonElement> rows = [.. Rows(root)];
        if (rows.Count > 0)
        {
            double logits = 0, likelihood = 0;
            foreach (var row in rows)
            {
                var input = ReferenceJson.Integers(row.GetProperty("input_ids"));
                var all = Logits(model, input);
                // The last that predict a token of the row, not those after it.
                logits = Math.Max(logits, Difference(all.narrow(0, input.Length - 2, 1), ReferenceJson.Doubles(row.GetProperty("last_logits"))));
                var next = torch.tensor(input.Skip(1).Select(id => (long)id).ToArray(), input.Length - 1, 1);
                var mean = -all.narrow(0, 0, input.Length - 1).log_softmax(-1).gather(1, next).mean().item<double>();
                likelihood = Math.Max(likelihood, Math.Abs(mean - row.GetProperty("mean_nll").GetDouble()));
            }

            checks.Add(ParityCheck.Of("last_logits", logits, ModelTolerances.Logits, $"{rows.Count} texts"));
            checks.Add(ParityCheck.Of("mean_nll", likelihood, ModelTolerances.LogProbability, $"{rows.Count} texts"));
        }

        if (root.TryGetProperty("text", out var text) && root.TryGetProperty("prompt", out var prompt))
        {
            var tokenizer = Tokenizer.FromFolder(folder);
            checks.Add(ParityCheck.Of("text", tokenizer.Decode(found, skipSpecialTokens: true) == text.GetString() ? 0 : 1, 0, "decoded"));
            checks.Add(ParityCheck.Of("prompt_ids", tokenizer.Encode(prompt.GetString()!).Ids.AsSpan().SequenceEqual(ReferenceJson.Integers(root.GetProperty("prompt_ids"))) ? 0 : 1, 0, "encoded"));
        }

        return checks;
    }

    private static List<ParityCheck> Targets(string folder, JsonElement root)
    {
        using var model = AutoModel.LoadSequenceToSequenceModel(folder);
        var config = GenerationConfig.FromFolder(folder);
        List<JsonElement> rows = [.. Rows(root)];
        int[][] sources = [.. rows.Select(row => ReferenceJson.Integers(row.GetProperty("input_ids")))];
        var generator = new TextGenerator(model, config.Processors(1), doSample: false, config.Stop(1, _ => ""));
        var found = generator.Generate([.. sources.Select(source => new GenerationPrompt(source))]).ToDictionary(text => text.Prompt, text => text.Tokens);
        var unequal = rows.Where((row, i) => !ReferenceJson.Integers(row.GetProperty(TargetIds)).SequenceEqual([model.DecoderStartTokenId, .. found[i]])).Count();
        double logits = 0, hidden = 0;
        for (var i = 0; i < rows.Count; i++)
        {
            var encoded = model.Encode(torch.tensor(sources[i].Select(id => (long)id).ToArray(), 1, sources[i].Length));
            var start = torch.tensor(new[] { (long)model.DecoderStartTokenId }, 1, 1);
            logits = Math.Max(logits, Difference(model.Logits(model.Decode(start, encoded)), ReferenceJson.Doubles(rows[i].GetProperty("first_step_logits"))));
            var part = ReferenceJson.Doubles(rows[i].GetProperty("encoder_last_hidden_pos0_first8"));
            hidden = Math.Max(hidden, Difference(encoded.select(1, 0).narrow(1, 0, part.Length), part));
        }

        return
        [
            ParityCheck.Of(TargetIds, unequal, 0, $"{rows.Count} texts"),
            ParityCheck.Of("first_step_logits", logits, ModelTolerances.Logits, $"{rows.Count} texts"),
            ParityCheck.Of("encoder_last_hidden_pos0_first8", hidden, ModelTolerances.Logits, $"{rows.Count} texts"),
        ];
    }

    private static Tensor Logits(ICausalLanguageModel model, int[] ids) => model.Logits(model.Hidden(torch.tensor(ids.Select(id => (long)id).ToArray(), 1, ids.Length))).squeeze(0);

    private static double Difference(Tensor found, double[] expected) =>
        GoldenTensors.MaxDifference(found.reshape(-1), torch.tensor(expected.Select(value => (float)value).ToArray()));
}
