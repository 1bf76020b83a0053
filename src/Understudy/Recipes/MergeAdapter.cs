using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Writes a whole model from an adapter and its base.</summary>
public static class MergeAdapter
{
    /// <summary>Merges and saves. The base and the adapter stay as they are.</summary>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="adapterBase">The folder of its base.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="device">Where it is computed.</param>
    /// <returns>How many layers were changed.</returns>
    /// <exception cref="InvalidDataException">The output is there already, or the adapter is damaged or does not fit its base.</exception>
    public static int Run(string folder, string adapterBase, string output, Device device)
    {
        PretrainedFolder.RequireNew(output);

        var config = AdapterFolder.ReadConfig(folder);
        if (config.TaskType == "SEQ_CLS")
        {
            // The base's own type, so that merging does not double a folder's size.
            using var student = StudentModel.Load(folder, device, adapterBase, ConfigJson.Read(adapterBase).StoredType());
            student.Merge();
            PretrainedFolder.Save(student.Model, output, options: new SaveOptions { Source = student.Source });
            return LoraTargets.Of(config, student.Model).Adapted.Count;
        }

        using var model = AutoModel.Load(adapterBase, new LoadOptions { Device = device, DType = null });
        using var lora = new LoraModel(model);
        var layers = lora.Load(folder).LayerNames.Count;
        lora.Merge();
        PretrainedFolder.Save(model, output, options: new SaveOptions { Source = adapterBase });
        return layers;
    }
}
