using Understudy.Models;

namespace Understudy.Parity;

/// <summary>Compares a model folder that holds <c>expected.json</c> and <c>expected.safetensors</c> with what this library computes from it.</summary>
public static class ModelParity
{
    /// <summary>Whether a folder is one of these.</summary>
    public static bool Recognises(string folder) => File.Exists(Path.Combine(folder, "expected.json")) && File.Exists(Path.Combine(folder, "expected.safetensors"));

    /// <summary>Makes every comparison that the folder allows.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="InvalidDataException">The folder is damaged.</exception>
    public static IEnumerable<ParityCheck> Run(string folder)
    {
        if (File.Exists(Path.Combine(folder, "adapter_config.json")))
        {
            return [ParityCheck.Skip("adapter", "adapters are not supported yet")];
        }

        var json = ConfigJson.Read(folder);
        var type = json.String("model_type");
        return type switch
        {
            GptNeoxConfig.ModelType => Compare(folder, CausalModelParity.Run),
            "bert" or "roberta" => Compare(folder, golden => golden.Has("input_ids") ? MaskedModelParity.Run : ClassifierParity.Run),
            _ => [ParityCheck.Skip("model", $"the model type '{type}' is not supported yet")],
        };
    }

    private static IEnumerable<ParityCheck> Compare(string folder, Func<string, GoldenTensors, IEnumerable<ParityCheck>> run) => Compare(folder, _ => run);

    private static IEnumerable<ParityCheck> Compare(string folder, Func<GoldenTensors, Func<string, GoldenTensors, IEnumerable<ParityCheck>>> choose)
    {
        using var golden = new GoldenTensors(folder);
        foreach (var check in choose(golden)(folder, golden))
        {
            yield return check;
        }
    }
}
